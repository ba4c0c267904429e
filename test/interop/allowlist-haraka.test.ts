import { afterAll, beforeAll, expect, test } from "vitest";
import { snippets } from "../../src/allowlist/index.ts";
import { startList, ZONE, type TestList } from "./list.ts";
import { startDns, type DnsServer } from "./servers/dns.ts";
import { startHaraka, type Haraka } from "./servers/haraka.ts";
import { until } from "./servers/process.ts";
import { startUnbound, type Unbound } from "./servers/unbound.ts";
import { talk, verdict } from "./talk.ts";

/* Haraka with the settings that we print, beside a blocklist that costs a connection its mail. It asks no list for
   addresses of private networks, nor for those of documentation: these are of the network for benchmarks. */

const RESOLVER = "127.0.0.54";
const BLOCKLIST = "bl.example";
const POOL = "198.18.0.71";
const GONE = "198.18.0.72";
const STRANGER = "198.18.0.73";
const POOL6 = "2001:db8::71";
/** A list that was taken over by somebody else. */
const LAPSED = "lapsed.example";

let list: TestList;
let dns: DnsServer;
let unbound: Unbound;
let haraka: Haraka;

const reversed = (address: string) => address.split(".").toReversed().join(".");
const record = (name: string, data: string) => ({ name, type: "A" as const, ttl: 60, data });

/** The printed files for a list, each with lines of its operator's own behind it. */
function printed(zone: string, own: Record<string, string> = {}): Record<string, string> {
  const files = snippets({ zone }).find(({ name }) => name === "haraka")!.files;
  return Object.fromEntries(
    files.map(({ path, text }) => {
      const name = /^config\/([\w.-]+)/.exec(path)![1]!;
      return [name, text + (own[name] ?? "")];
    }),
  );
}

async function start(zone: string, own: Record<string, string>, says: string[]): Promise<Haraka> {
  const { plugins, ...files } = printed(zone, own);
  return startHaraka({
    domains: ["here.example"],
    resolver: RESOLVER,
    plugins: plugins!,
    files,
    says: [`enabling karma zone ip.${zone}`, ...says],
  });
}

/** The PROXY protocol, version 1. */
const proxied = (from: string) =>
  from.includes(":")
    ? `PROXY TCP6 ${from} 2001:db8::1 4321 25\r\n`
    : `PROXY TCP4 ${from} 198.18.0.1 4321 25\r\n`;

let sent = 0;
/** The awards of karma for a mail that was taken. */
async function awards(to: Haraka, from: string): Promise<string> {
  const id = `${++sent}@sender.example`;
  const mail = `From: a@sender.example\r\nMessage-ID: <${id}>\r\nSubject: Hello\r\n\r\nHello\r\n`;
  expect(verdict(await talk(to, { before: proxied(from), mail }))).toBe("taken");
  const stored = await until("the mail", async () =>
    (await to.messages()).find((one) => one.includes(`<${id}>`)),
  );
  const header = /^X-Haraka-Karma: (.*(?:\r?\n\s.*)*)/m.exec(stored)![1]!;
  expect(header).toMatch(/score: /);
  expect(header).not.toContain("deny: dns-list");
  return /\batmos\w+/.exec(header)?.[0] ?? "none";
}
const said = async (to: Haraka, from: string, recipient?: string) =>
  verdict(await talk(to, { before: proxied(from), ...(recipient !== undefined && { recipient }) }));

beforeAll(async () => {
  list = await startList({ addresses: [POOL, GONE, POOL6] });
  await list.publish();
  dns = await startDns([
    record(`2.0.0.127.${BLOCKLIST}`, "127.0.0.2"),
    ...[POOL, STRANGER].map((address) => record(`${reversed(address)}.${BLOCKLIST}`, "127.0.0.2")),
    record(`2.0.0.127.ip.${LAPSED}`, "127.0.0.2"),
  ]);
  unbound = await startUnbound({
    dns,
    zones: ["example"],
    host: RESOLVER,
    port: 53,
    stubs: { [ZONE]: list.server },
  });
  haraka = await start(
    ZONE,
    {
      "dns-list.ini": `[main]\nzones[]=${BLOCKLIST}\n[${BLOCKLIST}]\nreject=false\n`,
      "karma.ini": `blocked = dns-list | fail | equals | ${BLOCKLIST} | -8 | On a blocklist\n[tarpit]\ndelay=0.01\n`,
    },
    [`enabling block zone ${BLOCKLIST}`],
  );
});
afterAll(async () => {
  for (const one of [haraka, unbound, dns, list]) await one?.stop();
});

test.each([
  ["an address of the pool", POOL, "atmos_ip_pool"],
  ["another of the pool, over IPv6", POOL6, "atmos_ip_pool"],
  ["a stranger's over IPv6", "2001:db8::99", "none"],
  ["a stranger's", "198.18.0.99", "none"],
])("%s", async (_, from, expected) => {
  expect(await awards(haraka, from)).toBe(expected);
});

test("it weighs against a blocklist", async () => {
  expect(await said(haraka, STRANGER)).toMatch(/^554 very bad karma/);
  expect(await said(haraka, POOL)).toBe("taken");
});

test("nobody relays by it", async () => {
  for (const from of [POOL, "198.18.0.99"])
    expect(await said(haraka, from, "ada@elsewhere.example")).toMatch(/^550 .*cannot deliver mail for/);
});

test("what is taken back counts for nothing", async () => {
  expect(await awards(haraka, GONE)).toBe("atmos_ip_pool");
  list.removeAddress(GONE);
  await list.publish();
  expect(await awards(haraka, GONE)).toBe("none");
  expect(await awards(haraka, POOL6)).toBe("atmos_ip_pool");
});

test("a name that answers anything: exact codes count, no other code does, and none refuses", async () => {
  await using lapsed = await start(LAPSED, {}, []);
  const name = `${reversed(POOL)}.ip.${LAPSED}`;
  for (const [code, expected] of [
    ["127.0.6.1", "atmos_ip_member"],
    ["127.0.6.2", "none"],
    ["127.0.0.1", "none"],
    ["127.0.0.2", "none"],
    ["192.0.2.1", "none"],
  ] as const) {
    dns.set(record(name, code));
    expect([code, await awards(lapsed, POOL)]).toEqual([code, expected]);
  }
  // An address outside 127.0.0.0/8: it asks no more.
  dns.set(record(name, "127.0.6.1"));
  expect(await awards(lapsed, POOL)).toBe("none");
  expect(lapsed.log()).toContain(`disabling karma zone 'ip.${LAPSED}' 192.0.2.1`);
});

test("without the list mail flows, and nobody is allowed by mistake", async () => {
  await list.stopServing();
  for (const from of [POOL6, "198.18.0.99"]) expect(await awards(haraka, from)).toBe("none");
  expect(await said(haraka, POOL)).toMatch(/^554 very bad karma/);
});
