import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  complete,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  until,
  type Address,
  type Running,
  type Server,
} from "./process.ts";

/** A zone and the file in which it is. */
export interface ServedZone {
  zone: string;
  file: string;
}

export interface ZoneServer extends Server, Address {
  name: string;
  /** Has it read its file again; does not wait for what comes of it. */
  reload(): void;
  log(): string;
}

const host = "127.0.0.1";

export async function answers(port: number, zone: string): Promise<boolean> {
  const question = [`@${host}`, "-p", String(port), "+tries=1", "+time=1", zone, "SOA"];
  const { stdout } = await complete("dig", question, { anyExit: true });
  return stdout.includes("status: ");
}

async function start(
  name: string,
  served: ServedZone,
  command: (directory: string, port: number) => Promise<[program: string, args: string[]]>,
): Promise<ZoneServer> {
  const directory = await temporaryDirectory(name);
  await chmod(directory, 0o755);
  const port = await freePort(host);
  let running: Running;
  try {
    const [program, args] = await command(directory, port);
    running = await run(program, args, { ready: () => answers(port, served.zone) });
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
  const stop = async () => {
    await running.stop();
    await removeDirectory(directory);
  };
  return {
    name,
    host,
    port,
    reload: () => void process.kill(running.pid, "SIGHUP"),
    log: () => running.output(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** rbldnsd over a `combined` file, as nobody. */
export const startRbldnsd = (served: ServedZone) =>
  start("rbldnsd", served, async (_, port) => [
    "rbldnsd",
    ["-n", "-u", "nobody", "-c", "0", "-b", `${host}/${port}`, `${served.zone}:combined:${served.file}`],
  ]);

export const startKnot = (served: ServedZone) =>
  start("knot", served, async (directory, port) => {
    const file = join(directory, "knot.conf");
    await writeFile(
      file,
      `server:
    listen: ${host}@${port}
    rundir: "${directory}"
    user: root:root
database:
    storage: "${directory}"
log:
  - target: stdout
    any: info
zone:
  - domain: ${served.zone}
    file: "${served.file}"
    zonefile-sync: -1
`,
    );
    return ["knotd", ["-c", file]];
  });

export const startBind = (served: ServedZone) =>
  start("bind", served, async (directory, port) => {
    const file = join(directory, "named.conf");
    await mkdir(join(directory, "keys"));
    await writeFile(
      file,
      `options {
  directory "${directory}";
  pid-file "${join(directory, "named.pid")}";
  session-keyfile "${join(directory, "session.key")}";
  managed-keys-directory "${join(directory, "keys")}";
  listen-on port ${port} { ${host}; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
};
controls { };
zone "${served.zone}" { type primary; file "${served.file}"; };
`,
    );
    return ["named", ["-g", "-u", "root", "-c", file]];
  });

export const startPlainNsd = (served: ServedZone) =>
  start("nsd", served, async (directory, port) => {
    const file = join(directory, "nsd.conf");
    await writeFile(
      file,
      `server:
  ip-address: ${host}@${port}
  username: ""
  zonesdir: "${directory}"
  pidfile: "${join(directory, "nsd.pid")}"
  zonelistfile: "${join(directory, "zone.list")}"
  xfrdfile: "${join(directory, "xfrd.state")}"
  database: ""
  server-count: 1
  do-ip6: no
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "${served.zone}"
  zonefile: "${served.file}"
`,
    );
    return ["nsd", ["-d", "-c", file]];
  });

/** PowerDNS with its BIND backend. After a file that it could not read it reads none again until it is told to. */
export async function startPowerDns(served: ServedZone): Promise<ZoneServer> {
  let control: string[] = [];
  const server = await start("powerdns", served, async (directory, port) => {
    const file = join(directory, "named.conf");
    await writeFile(file, `zone "${served.zone}" { type master; file "${served.file}"; };\n`);
    control = [`--config-dir=${directory}`, `--socket-dir=${directory}`];
    const settings = {
      launch: "bind",
      "bind-config": file,
      "local-address": host,
      "local-port": String(port),
      "cache-ttl": "0",
      "query-cache-ttl": "0",
      "negquery-cache-ttl": "0",
      "zone-cache-refresh-interval": "0",
      "security-poll-suffix": "",
      daemon: "no",
      guardian: "no",
    };
    const set = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    return ["pdns_server", [...control, ...set]];
  });
  const reload = () =>
    void complete("pdns_control", [...control, "bind-reload-now", served.zone], { anyExit: true });
  return { ...server, reload };
}

export type DnsSaid = { status: string; answers: string[] };

/** What a server says to one question: `NOERROR`, `NXDOMAIN`, ..., and the data of the answers, in order of their text. */
export async function dig(
  { host: at, port }: Address,
  name: string,
  type: string,
  ...more: string[]
): Promise<DnsSaid> {
  const question = [`@${at}`, "-p", String(port), "+tries=1", "+time=2", "+norecurse", ...more, name, type];
  const { stdout } = await complete("dig", question, { anyExit: true });
  const status = /status: (\w+)/.exec(stdout)?.[1] ?? "SILENT";
  const [, section = ""] = /;; ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(stdout) ?? [];
  const lines = section.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
  return { status, answers: lines.map((line) => line.split(/\s+/).slice(4).join(" ")).toSorted() };
}

/** Waits until a server says what is expected. */
export async function says(server: Address, name: string, type: string, status: string): Promise<void> {
  await until(
    `${name} ${type} to be ${status}`,
    async () => (await dig(server, name, type)).status === status,
  );
}
