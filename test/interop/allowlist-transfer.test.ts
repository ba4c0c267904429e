import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startList, ZONE, type TestList } from "./list.ts";
import {
  complete,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  until,
  type Address,
  type Running,
} from "./servers/process.ts";
import { startUnbound } from "./servers/unbound.ts";
import { answers, dig, says } from "./servers/zone-servers.ts";

/* The settings in deploy/allowlist, with other names and addresses put in. */

const DEPLOY = join(import.meta.dirname, "../../deploy/allowlist");
const SECRET = Buffer.alloc(32, 7).toString("base64");

let directory: string;
let list: TestList;
const running: Running[] = [];
let primary: Address;
let secondary: Address;

async function startKnotWith(name: string, replacements: [string, string][], port: number): Promise<Running> {
  const own = join(directory, name);
  await mkdir(own);
  let text = await deployed(`${name}.conf`, [...replacements, ["/etc/knot/", `${directory}/`]]);
  text = text.replace("server:\n", `server:\n    rundir: "${own}"\n    user: root:root\n`);
  const further = `\ndatabase:\n    storage: "${own}"\nlog:\n  - target: stdout\n    any: info\n`;
  const file = join(directory, `${name}.conf`);
  await writeFile(file, text + further);
  const one = await run("knotd", ["-c", file], { ready: () => answers(port, ZONE) });
  running.push(one);
  return one;
}

beforeAll(async () => {
  directory = await temporaryDirectory("transfer");
  await chmod(directory, 0o755);
  list = await startList();
  list.add("alder.example");
  await list.publish();
  primary = { host: "127.0.0.1", port: await freePort() };
  secondary = { host: "127.0.0.1", port: await freePort() };
  await writeFile(
    join(directory, "atmos-transfer.conf"),
    `key:\n  - id: atmos-transfer\n    algorithm: hmac-sha256\n    secret: ${SECRET}\n`,
  );
  const addresses: [string, string][] = [
    ["wl.coop.example", ZONE],
    ["192.0.2.53@53", `127.0.0.1@${primary.port}`],
    ["192.0.2.54@53", `127.0.0.1@${secondary.port}`],
  ];
  const first = [
    ...addresses,
    ["192.0.2.54", "127.0.0.1"],
    ["storage: /srv/allowlist", `storage: ${list.dir}`],
  ] as [string, string][];
  await startKnotWith("knot-primary", first, primary.port);
  await startKnotWith("knot-secondary", [...addresses, ["192.0.2.53", "127.0.0.1"]], secondary.port);
});
afterAll(async () => {
  for (const one of running.toReversed()) await one.stop();
  await list?.stop();
  await removeDirectory(directory);
});

describe("Knot with DNSSEC and a secondary", () => {
  test("the secondary has the list, signed, and a resolver that validates believes it", async () => {
    await says(secondary, `alder.example.dwl.${ZONE}`, "A", "NOERROR");
    const keys = await complete("keymgr", ["-c", join(directory, "knot-primary.conf"), ZONE, "ds"]);
    const anchor = keys.stdout
      .trim()
      .split("\n")
      .find((line) => / 13 2 /.test(line))!
      .replace(/ DS /, " IN DS ");
    await using unbound = await startUnbound({ dns: secondary, zones: [ZONE], trustAnchors: [anchor] });
    const { stdout } = await complete("dig", [
      `@${unbound.host}`,
      "-p",
      String(unbound.port),
      "+dnssec",
      `alder.example.dwl.${ZONE}`,
      "A",
    ]);
    expect(stdout).toMatch(/flags: [^;]*\bad\b/);
    const absent = await complete("dig", [
      `@${unbound.host}`,
      "-p",
      String(unbound.port),
      "+dnssec",
      `gone.example.dwl.${ZONE}`,
      "A",
    ]);
    expect(absent.stdout).toMatch(/status: NXDOMAIN[\s\S]*flags: [^;]*\bad\b/);
  });

  test("a change reaches it by NOTIFY and an increment", async () => {
    const before = await dig(secondary, ZONE, "SOA");
    list.add("birch.example");
    await list.publish();
    process.kill(running[0]!.pid, "SIGHUP");
    await says(secondary, `birch.example.dwl.${ZONE}`, "A", "NOERROR");
    expect(await dig(secondary, ZONE, "SOA")).not.toEqual(before);
    await until("the log to say so", () => /IXFR, incoming, .*finished/.test(running[1]!.output()));
    list.remove("alder.example");
    await list.publish();
    process.kill(running[0]!.pid, "SIGHUP");
    await says(secondary, `alder.example.dwl.${ZONE}`, "A", "NXDOMAIN");
  });

  test("without the key nobody gets the zone", async () => {
    const transfer = (...more: string[]) =>
      complete("dig", [`@${primary.host}`, "-p", String(primary.port), "+tcp", ...more, ZONE, "AXFR"], {
        anyExit: true,
      });
    expect((await transfer()).stdout).toMatch(/Transfer failed/);
    const wrong = Buffer.alloc(32, 8).toString("base64");
    expect((await transfer("-y", `hmac-sha256:atmos-transfer:${wrong}`)).stdout).not.toContain(
      "birch.example",
    );
    expect((await transfer("-y", `hmac-sha256:atmos-transfer:${SECRET}`)).stdout).toContain("birch.example");
  });
});

/** A file of deploy/allowlist with these put in; each must stand in it. */
async function deployed(name: string, replacements: readonly (readonly [string, string])[]): Promise<string> {
  let text = await readFile(join(DEPLOY, name), "utf8");
  for (const [from, to] of replacements) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  return text;
}

test("rbldnsd as its unit starts it serves the list, and takes up what is published", async () => {
  const port = await freePort();
  const unit = await deployed("rbldnsd.service", [
    ["/srv/allowlist/wl.coop.example", list.rbldnsdFile.replace(/\.rbldnsd$/, "")],
    ["192.0.2.53/53", `127.0.0.1/${port}`],
    ["wl.coop.example", ZONE],
    ["-c 10", "-c 1"],
  ]);
  const [program = "", ...args] = /^ExecStart=(.+)$/m.exec(unit)![1]!.split(" ");
  running.push(await run(program, args, { ready: () => answers(port, ZONE) }));
  const server = { host: "127.0.0.1", port };
  await says(server, `birch.example.dwl.${ZONE}`, "A", "NOERROR");
  list.add("cedar.example");
  await list.publish();
  await says(server, `cedar.example.dwl.${ZONE}`, "A", "NOERROR");
});

test("mirrors fetch by rsync what is published, and never the key of the list or what is not finished", async () => {
  const port = await freePort();
  for (const name of ["list.key", "snapshot.json.new"])
    await writeFile(join(list.dir, name), "not for others", { mode: 0o644 });
  const conf = join(directory, "rsyncd.conf");
  await writeFile(conf, await deployed("rsyncd.conf", [["/var/lib/atmos/zone", list.dir]]));
  const daemon = ["--daemon", "--no-detach", "--address=127.0.0.1", `--port=${port}`, `--config=${conf}`];
  const url = `rsync://127.0.0.1:${port}/allowlist/`;
  const mirror = join(directory, "mirror");
  await mkdir(mirror);
  const fetched = (...args: string[]) => complete("rsync", args, { anyExit: true });
  running.push(
    await run("rsync", daemon, { ready: async () => (await fetched(url)).stdout.includes("snapshot.json") }),
  );
  expect((await fetched("-rt", url, mirror)).stderr).toBe("");
  const names = (await readdir(mirror)).toSorted();
  expect(names).toContain(`${ZONE}.zone`);
  expect(names).toContain("snapshot.json");
  expect(names.filter((name) => name.endsWith(".key") || name.endsWith(".new"))).toEqual([]);
  for (const secret of ["list.key", "snapshot.json.new"]) {
    await fetched("-t", `${url}${secret}`, join(mirror, "stolen"));
    expect((await readdir(mirror)).includes("stolen")).toBe(false);
  }
  await fetched("-t", conf, url);
  expect(await readdir(list.dir)).not.toContain("rsyncd.conf");
});
