import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startList, ZONE, type TestList } from "./list.ts";
import { complete, until } from "./servers/process.ts";
import { startUnbound, type Unbound } from "./servers/unbound.ts";
import {
  dig,
  says,
  startBind,
  startKnot,
  startPlainNsd,
  startPowerDns,
  startRbldnsd,
  type ZoneServer,
} from "./servers/zone-servers.ts";

/* The same list in six servers: each says the same, by its own file format. */

const FOUR = "198.51.100.7";
const SIX = "2001:db8::25";
const reversed = {
  four: `7.100.51.198.ip.${ZONE}`,
  six: `5.2.${"0.".repeat(22)}8.b.d.0.1.0.0.2.ip.${ZONE}`,
  six_test: `2.0.0.0.0.0.f.7.f.f.f.f.${"0.".repeat(20)}ip.${ZONE}`,
  six_never: `1.0.0.0.0.0.f.7.f.f.f.f.${"0.".repeat(20)}ip.${ZONE}`,
};

let list: TestList;
const servers: ZoneServer[] = [];
let embedded: ZoneServer;

beforeAll(async () => {
  list = await startList({ addresses: [FOUR, SIX] });
  list.add("alder.example");
  list.add("birch.example", { clean: true });
  list.add("xn--bcher-kva.example");
  await list.publish();
  const file = { zone: ZONE, file: list.zoneFile };
  servers.push(
    await startRbldnsd({ zone: ZONE, file: list.rbldnsdFile }),
    await startKnot(file),
    await startPlainNsd(file),
    await startBind(file),
    await startPowerDns(file),
  );
  const nothing = () => undefined;
  embedded = {
    ...list.server,
    name: "embedded",
    reload: nothing,
    log: () => "",
    stop: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await list?.stop();
});

const all = () => [...servers, embedded];
const everywhere = async (name: string, type: string) =>
  Object.fromEntries(
    await Promise.all(all().map(async (server) => [server.name, await dig(server, name, type)] as const)),
  );
const NAMES = ["rbldnsd", "knot", "nsd", "bind", "powerdns", "embedded"];
const same = <T>(value: T) => Object.fromEntries(NAMES.map((name) => [name, value]));

describe("every server says the same", () => {
  const TXT = (did: string, domain: string, more = "") =>
    `"${more}verified-mail-operator verified-member at://${did}/community.email.attestation/${domain}"`;
  test.each<[string, string, string, string, string[]]>([
    ["a verified member", `alder.example.dwl.${ZONE}`, "A", "NOERROR", ["127.0.6.1"]],
    ["clean for long", `birch.example.dwl.${ZONE}`, "A", "NOERROR", ["127.0.6.2"]],
    ["in mixed case", `ALDER.Example.dwl.${ZONE}`, "A", "NOERROR", ["127.0.6.1"]],
    ["an IDN", `xn--bcher-kva.example.dwl.${ZONE}`, "A", "NOERROR", ["127.0.6.1"]],
    ["why", `alder.example.dwl.${ZONE}`, "TXT", "NOERROR", [TXT("did:plc:alderexample", "alder.example")]],
    ["not listed", `cedar.example.dwl.${ZONE}`, "A", "NXDOMAIN", []],
    ["below what is listed", `x.alder.example.dwl.${ZONE}`, "A", "NXDOMAIN", []],
    ["the other type", `alder.example.dwl.${ZONE}`, "AAAA", "NOERROR", []],
    ["vouched for", `alder.example._vouch.${ZONE}`, "TXT", "NOERROR", ['"transaction"']],
    ["not vouched for", `cedar.example._vouch.${ZONE}`, "TXT", "NXDOMAIN", []],
    ["an address of the pool", reversed.four, "A", "NOERROR", ["127.0.3.1"]],
    ["in IPv6", reversed.six, "A", "NOERROR", ["127.0.3.1"]],
    ["its neighbour", `8.100.51.198.ip.${ZONE}`, "A", "NXDOMAIN", []],
    ["the test domain", `test.dwl.${ZONE}`, "A", "NOERROR", ["127.0.0.2"]],
    ["the test address", `2.0.0.127.ip.${ZONE}`, "A", "NOERROR", ["127.0.0.2"]],
    ["the test address in IPv6", reversed.six_test, "A", "NOERROR", ["127.0.0.2"]],
    ["never", `invalid.dwl.${ZONE}`, "A", "NXDOMAIN", []],
    ["never, the address", `1.0.0.127.ip.${ZONE}`, "A", "NXDOMAIN", []],
    ["never, in IPv6", reversed.six_never, "A", "NXDOMAIN", []],
    ["its name servers", ZONE, "NS", "NOERROR", ["ns1.coop.test.", "ns2.coop.test."]],
  ])("%s", async (_, name, type, status, answers) => {
    expect(await everywhere(name, type)).toEqual(same({ status, answers }));
  });

  test("the embedded server hands its zone to nobody", async () => {
    for (const type of ["AXFR", "IXFR=1"])
      expect((await dig(embedded, ZONE, type, "+tcp")).status).toMatch(/REFUSED|SILENT/);
  });

  test("by which key it is signed, and when it was made", async () => {
    const announced = await everywhere(`_list.${ZONE}`, "TXT");
    expect(announced["embedded"]!.answers[0]).toMatch(/^"v=atmoslist1; key=did:key:z\w+; url=https:/);
    expect(announced).toEqual(same(announced["embedded"]));
    const soa = await everywhere(ZONE, "SOA");
    expect(soa["knot"]!.answers[0]).toMatch(
      /^ns1\.coop\.test\. hostmaster\.wl\.coop\.test\. \d+ 900 300 86400 300$/,
    );
    expect(soa).toEqual(same(soa["knot"]));
  });
});

test("a resolver that minimises names and knows of 8020 finds what is listed", async () => {
  for (const server of all()) {
    await using unbound = await startUnbound({ dns: server, zones: [ZONE] });
    expect([server.name, await dig(unbound, `alder.example.dwl.${ZONE}`, "A", "+recurse")]).toEqual([
      server.name,
      { status: "NOERROR", answers: ["127.0.6.1"] },
    ]);
    expect([server.name, (await dig(unbound, reversed.six, "A", "+recurse")).answers]).toEqual([
      server.name,
      ["127.0.3.1"],
    ]);
  }
});

test("who is taken back is gone from each once it has read the new file; a resolver believes it no longer than the TTL", async () => {
  const resolvers: [ZoneServer, Unbound][] = [];
  try {
    for (const server of all()) {
      const unbound = await startUnbound({ dns: server, zones: [ZONE], cacheSeconds: 3 });
      resolvers.push([server, unbound]);
      expect((await dig(unbound, `birch.example.dwl.${ZONE}`, "A", "+recurse")).answers).toEqual([
        "127.0.6.2",
      ]);
    }
    list.remove("birch.example");
    list.add("dogwood.example");
    await list.publish();
    for (const server of servers) server.reload();
    for (const server of all()) {
      await says(server, `birch.example.dwl.${ZONE}`, "A", "NXDOMAIN");
      await says(server, `dogwood.example.dwl.${ZONE}`, "A", "NOERROR");
    }
    for (const [, unbound] of resolvers)
      await until("the resolver to ask again", async () => {
        const { status } = await dig(unbound, `birch.example.dwl.${ZONE}`, "A", "+recurse");
        return status === "NXDOMAIN";
      });
  } finally {
    for (const [, unbound] of resolvers) await unbound.stop();
  }
});

/** Puts something else into a file; rbldnsd tells files apart by whole seconds. */
async function spoil(path: string, text: string | Buffer): Promise<void> {
  const later = Math.floor((await stat(path)).mtimeMs / 1000) + 1;
  await writeFile(path, text);
  await utimes(path, later, later);
}

test("a file that is broken on purpose lists nobody by mistake", async () => {
  const good = { zone: await readFile(list.zoneFile), rbldnsd: await readFile(list.rbldnsdFile) };
  try {
    for (const garbage of ["", "$$ garbage\n", "\0\0\0", good.zone.toString().slice(0, 300)]) {
      await spoil(list.zoneFile, garbage);
      await spoil(list.rbldnsdFile, garbage);
      for (const server of servers) server.reload();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const unknown = await everywhere(`cedar.example.dwl.${ZONE}`, "A");
      expect(NAMES.map((name) => unknown[name]!.answers)).toEqual(NAMES.map(() => []));
    }
  } finally {
    await spoil(list.zoneFile, good.zone);
    await spoil(list.rbldnsdFile, good.rbldnsd);
    for (const server of servers) server.reload();
  }
  for (const server of all()) await says(server, `alder.example.dwl.${ZONE}`, "A", "NOERROR");
});

test("rbldnsd stops answering for a file that has ended, rather than lie", async () => {
  const text = await readFile(list.rbldnsdFile, "utf8");
  expect(text).toMatch(/^\$TIMESTAMP 0 20\d\d-/);
  try {
    await spoil(list.rbldnsdFile, text.replace(/^.*\n/, "$TIMESTAMP 0 2020-01-01:00:00:00\n"));
    servers[0]!.reload();
    await says(servers[0]!, `alder.example.dwl.${ZONE}`, "A", "SERVFAIL");
  } finally {
    await spoil(list.rbldnsdFile, text);
    servers[0]!.reload();
  }
  await says(servers[0]!, `alder.example.dwl.${ZONE}`, "A", "NOERROR");
});

/** The same numbers from the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("whatever list is published, named-checkzone, kzonecheck and rbldnsd take every line of it", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomOf(seed);
    const octets = () => 1 + random(223);
    const addresses = Array.from({ length: random(20) }, () =>
      random(2) === 0
        ? `${octets()}.${random(256)}.${random(256)}.${octets()}`
        : `2001:db8:${random(65_536).toString(16)}::${(1 + random(65_535)).toString(16)}`,
    );
    await using some = await startList({ addresses });
    const letters = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const label = (length: number) =>
      `x${Array.from({ length: length - 2 }, () => letters[random(letters.length)]).join("")}z`;
    const domains = Array.from({ length: 1 + random(150) }, () => {
      const labels = Array.from({ length: 1 + random(4) }, () =>
        label(3 + random(random(3) === 0 ? 59 : 10)),
      );
      return `${random(10) === 0 ? "xn--bcher-kva." : ""}${labels.join(".")}.example`;
    });
    // Texts of the zone carry the DID: odd ones must do no harm in any format.
    const did = (i: number) => `did:web:${["a", "a%3A8443", "$x", "b.c", "_"][i % 5]}${i}.example`;
    for (const [i, domain] of domains.entries())
      some.add(domain.replace(/^(.)-/, "$1x"), { clean: random(2) === 0, did: did(i) });
    await some.publish().catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    const { stdout } = await complete("rbldnsd", ["-d", `${ZONE}:combined:${some.rbldnsdFile}`]);
    const inRbldnsd = stdout.split("\n").filter((line) => /\tA\t127\./.test(line)).length;
    const inZone = (await readFile(some.zoneFile, "utf8"))
      .split("\n")
      .filter((line) => / IN A /.test(line)).length;
    expect([seed, inRbldnsd]).toEqual([seed, inZone]);
  }
});
