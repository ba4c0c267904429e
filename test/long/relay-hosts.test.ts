import { isIP } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createAuthority } from "../../src/devnet/certificates.ts";
import { MovableClock } from "../../src/lib/clock.ts";
import type { DnsAnswer, DnsType, Resolver } from "../../src/protocol/dns/index.ts";
import {
  client,
  newDirectory,
  startRelay,
  stopRelay,
  type RelayOptions,
  type Testbed,
} from "../relay-harness.ts";
import { OFFERS, startScriptedSink, type Script, type ScriptedSink } from "../scripted-sink.ts";

/*
 * A domain with several mail hosts, or one with addresses of both families: which of them has the mail in the end, and
 * what is concluded where none can take it.
 */

const authority = createAuthority();
const names = ["mx.peer.test", "one.test", "two.test", "three.test"];
const trusted = authority.issue(names);
const certificates = { trusted, stranger: trusted, "other-name": trusted, expired: trusted };
const SECOND = 1_000;

/** `addresses`: more than one where the host is to be reached over both families. `down`: nobody listens there. */
type Host = { name: string; addresses: string[]; script?: Script; down?: boolean };

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type World = { bed: Testbed; sinks: Map<string, ScriptedSink> };

/** A relay node, and the hosts of `d.test` in their order of preference. */
async function world(hosts: readonly Host[], options: RelayOptions = {}): Promise<World> {
  const sinks = new Map<string, ScriptedSink>();
  let port = 0;
  for (const { addresses, script = {}, down } of hosts)
    for (const host of down ? [] : addresses) {
      const sink = await startScriptedSink(script, certificates, { host, port });
      ({ port } = sink);
      sinks.set(host, sink);
      closers.push(() => sink.close());
    }
  const resolver: Resolver = {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const ok = (records: object[]) =>
        ({ status: "ok", authentic: false, records: records.map((one) => ({ ...one, ttl: 60 })) }) as never;
      if (type === "MX" && name === "d.test")
        return ok(hosts.map((host, i) => ({ preference: i, exchange: host.name })));
      const family = { A: 4, AAAA: 6 }[type as string];
      const found = hosts
        .flatMap((host) => (host.name === name ? host.addresses : []))
        .filter((address) => isIP(address) === family);
      return found.length > 0
        ? ok(found.map((address) => ({ address })))
        : { status: "nodata", authentic: false };
    },
  };
  const directory = newDirectory();
  closers.push(() => directory.remove());
  const bed = await startRelay(directory.path, port, new MovableClock(Date.now()), {
    deadlines: { connect: SECOND, greeting: SECOND, ehlo: SECOND, tls: SECOND },
    outside: { resolver, ca: authority.cert, observed: () => undefined, ruleOf: () => undefined },
    ...options,
  });
  closers.push(() => stopRelay(bed));
  return { bed, sinks };
}

type Mail = { text?: string; to?: string };

async function send({ bed }: World, { text = "Hi", to = "bob@d.test" }: Mail = {}): Promise<string> {
  const from = "alice@member.test";
  // As it is: the library would encode it.
  const raw = `From: ${from}\r\nTo: <bob@d.test>\r\nSubject: Hello\r\n\r\n${text}\r\n`;
  const { response } = await client(bed).sendMail({ envelope: { from, to }, raw });
  await bed.relay.settle();
  return / as (\S+?)(?:[,\s]|$)/.exec(response)?.[1] ?? "";
}

/** What became of it, in which class the last attempt says why, and the address that has it. */
async function came(here: World, id: string) {
  const { state, waits } = (await here.bed.spool.message(id))!.recipients[0]! as {
    state: string;
    waits?: string | null;
  };
  const attempts = await here.bed.spool.attempts(id);
  const last = attempts.at(-1);
  const took = [...here.sinks].flatMap(([address, { mails }]) => mails.map(() => address));
  return { state, waits, last, attempts, took };
}

const at = (n: number) => [`127.0.6.${n}`];
const without = (...keywords: string[]): Script => ({
  offers: OFFERS.filter((word) => !keywords.includes(word.split(" ")[0]!)),
});
const small: Script = { offers: ["PIPELINING", "8BITMIME", "SIZE 6000"] };
const LONG = "A line of a message that is long.\r\n".repeat(300);
const UTF8 = "jürgen@d.test";

describe("a host that cannot take the message is passed over (RFC 5321 section 5.1)", () => {
  type Row = [string, Mail, Host[], state: string, kind: string, why: RegExp, took: string[]];
  const one = (script: Script, n = 1): Host => ({ name: "one.test", addresses: at(n), script });
  const two = (script: Script): Host => ({ name: "two.test", addresses: at(2), script });
  test.each<Row>([
    [
      "no 8BITMIME, and the next has it",
      { text: "ä" },
      [one(without("8BITMIME")), two({})],
      "delivered",
      "ok",
      /not used: .*8BITMIME/,
      at(2),
    ],
    [
      "too small, and the next is not",
      { text: LONG },
      [one(small), two({})],
      "delivered",
      "ok",
      /not used: .*no more than 6000/,
      at(2),
    ],
    [
      "ASCII goes to the first",
      {},
      [one(without("8BITMIME", "SMTPUTF8")), two({})],
      "delivered",
      "ok",
      /one\.test/,
      at(1),
    ],
    [
      "no host has 8BITMIME",
      { text: "ä" },
      [one(without("8BITMIME")), two(without("8BITMIME"))],
      "bounced",
      "content",
      /two\.test/,
      [],
    ],
    [
      "every host is too small",
      { text: LONG },
      [one(small), two(small)],
      "bounced",
      "too-large",
      /two\.test/,
      [],
    ],
    [
      "the only one is too small, at two addresses",
      { text: LONG },
      [{ name: "one.test", addresses: [...at(1), ...at(3)], script: small }],
      "bounced",
      "too-large",
      /one\.test/,
      [],
    ],
    [
      "one is too small, the other busy",
      { text: LONG },
      [one(small), two({ banner: "421 4.3.2 Busy" })],
      "deferred",
      "system",
      /421/,
      [],
    ],
    [
      "one is busy, the other too small",
      { text: LONG },
      [one({ banner: "421 4.3.2 Busy" }), two(small)],
      "deferred",
      "system",
      /421/,
      [],
    ],
    [
      "one has no TLS, the other is too small",
      { text: LONG },
      [one({ tls: "none" }), two(small)],
      "deferred",
      "no-tls",
      /no encryption/,
      [],
    ],
  ])("%s", async (_name, mail, hosts, state, kind, why, took) => {
    const here = await world(hosts);
    const end = await came(here, await send(here, mail));
    expect([end.state, end.last?.class, end.took], end.last?.transcript).toEqual([state, kind, took]);
    expect(end.last?.transcript).toMatch(why);
    // Of a host that cannot take it one address is enough.
    for (const { connections } of here.sinks.values()) expect(connections()).toBeLessThanOrEqual(1);
  });

  test("an address in UTF-8: the next host has SMTPUTF8", async () => {
    const here = await world([one(without("SMTPUTF8")), two({})]);
    const end = await came(here, await send(here, { to: UTF8 }));
    expect([end.state, end.took], end.last?.transcript).toEqual(["delivered", at(2)]);
  });

  test("mail beside it that the host can take goes there", async () => {
    // Slow, so that a queue stands behind each connection.
    const banner = { says: "220 mx.peer.test", afterMs: 1_500 };
    const slow: Script = { ...small, banner, dot: { says: "250 2.0.0 Kept", afterMs: 500 } };
    const deadlines = { connect: 9_000, greeting: 9_000 };
    const here = await world([one(slow), two({ banner: "421 4.3.2 Busy" })], { deadlines });
    const { bed } = here;
    const mail = { from: "alice@member.test", subject: "Hello", to: "bob@d.test" };
    const texts = Array.from({ length: 5 }, (_, i) => [`short ${i}`, LONG]).flat();
    await Promise.all(texts.map((text) => client(bed).sendMail({ ...mail, text })));
    await bed.relay.settle();
    expect(await bed.spool.counts()).toEqual({ delivered: 5, deferred: 5 });
    expect(here.sinks.get("127.0.6.1")!.mails).toHaveLength(5);
  });
});

describe("more hosts than an attempt tries", () => {
  test("ten that are too small are all asked, and then it is said", async () => {
    const hosts = Array.from({ length: 9 }, (_, i) => ({
      name: `h${i}.test`,
      addresses: at(10 + i),
      script: small,
    }));
    const last = { name: "h9.test", addresses: at(30), script: {} };
    const here = await world([...hosts, last]);
    const end = await came(here, await send(here, { text: LONG }));
    expect([end.state, end.took], end.last?.transcript).toEqual(["delivered", at(30)]);
  });
});

test("a host that does not understand EHLO is passed over; alone it defers, with a plain reason", async () => {
  const old: Host = { name: "one.test", addresses: at(1), script: { ehlo: "500 5.5.2 Unknown command" } };
  const both = await world([old, { name: "two.test", addresses: at(2) }]);
  expect((await came(both, await send(both))).took).toEqual(at(2));
  const alone = await world([{ ...old, addresses: at(3) }]);
  const { state, last } = await came(alone, await send(alone));
  expect([state, last?.class, last?.permanent]).toEqual(["deferred", "no-tls", false]);
  expect(last?.text).toBe(
    'the host does not understand EHLO, without which there is no encryption (it answered "500 5.5.2 Unknown command")',
  );
});

const SIX = "::1";
/** One host of both families, of which each does what it is told, and our addresses. */
function dual(
  four: Script | "down",
  six: Script | "down",
  addresses: string[],
  outgoing: RelayOptions["outgoing"] = {},
): Promise<World> {
  const hosts = [four, six].map((script, i) => ({
    name: "one.test",
    addresses: i === 0 ? at(40) : [SIX],
    ...(script === "down" ? { down: true } : { script }),
  }));
  const ours = addresses.map((address) => ({ address, ehlo: "relay.pool.test" }));
  return world(hosts, { outgoing: { addresses: ours, ...outgoing } });
}

describe("IPv4 and IPv6", () => {
  const HANGS: Script = { banner: "silence" };
  const two = ["127.0.0.1", SIX];
  test.each<[string, Script | "down", Script | "down", string[], string, string[]]>([
    ["IPv4 refuses, IPv6 has it", "down", {}, two, "delivered", [SIX]],
    ["IPv4 hangs, IPv6 has it", HANGS, {}, two, "delivered", [SIX]],
    ["IPv6 refuses, IPv4 has it", {}, "down", two, "delivered", at(40)],
    ["IPv6 hangs, IPv4 has it", {}, HANGS, two, "delivered", at(40)],
    ["both hang", HANGS, HANGS, two, "deferred", []],
    ["IPv4 refuses, and we have no IPv6", "down", {}, ["127.0.0.1"], "deferred", []],
    ["the system chooses: IPv4 refuses", "down", {}, [""], "delivered", [SIX]],
    ["the system chooses: IPv4 hangs", HANGS, {}, [""], "delivered", [SIX]],
  ])("%s", async (_name, four, six, addresses, state, took) => {
    const here = await dual(four, six, addresses);
    const end = await came(here, await send(here));
    expect([end.state, end.took], end.last?.transcript).toEqual([state, took]);
    // However many addresses were asked, it is one attempt.
    expect(end.attempts).toHaveLength(1);
  });

  test("mail over the family that works leaves from our address of that family", async () => {
    const here = await dual("down", {}, two);
    const { last } = await came(here, await send(here));
    expect(last?.egress).toBe(SIX);
    expect(here.sinks.get(SIX)!.mails[0]!.remote).toBe(SIX);
  });
});

describe("an egress address that cannot be bound", () => {
  test("is out of use at once, and mail leaves from another without an attempt lost", async () => {
    const here = await dual({}, {}, ["198.41.0.4", "127.0.0.1"]);
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await send(here));
    for (const id of ids) {
      const { state, last, attempts } = await came(here, id);
      expect([state, last?.egress, attempts.length], last?.transcript).toEqual(["delivered", "127.0.0.1", 1]);
    }
    const status = here.bed.egress.status(here.bed.clock.now());
    expect(status.find(({ address }) => address === "198.41.0.4")).toMatchObject({
      out: { reason: "unbound" },
    });
  });

  test("is all there is: mail waits with the reason, nobody is asked, and it leaves when the address is back", async () => {
    let fault: string | undefined = "EADDRNOTAVAIL";
    const here = await dual({}, {}, ["127.0.0.1"], { localFault: async () => fault });
    await here.bed.egress.checkBound();
    const id = await send(here);
    const before = await came(here, id);
    expect([before.state, before.attempts.length, before.waits]).toEqual([
      "queued",
      0,
      expect.stringMatching(/127\.0\.0\.1/),
    ]);
    fault = undefined;
    await here.bed.egress.checkBound();
    for (let i = 0; i < 12; i++) {
      here.bed.clock.advance(600_000);
      await here.bed.relay.settle();
    }
    expect((await came(here, id)).state).toBe("delivered");
  });
});

test("back-off: tries become rarer, never more often than minutes, and end after five days", async () => {
  const here = await world([{ name: "one.test", addresses: at(1), script: { banner: "421 4.3.2 Busy" } }]);
  const { bed, sinks } = here;
  const began = bed.clock.now();
  const id = await send(here);
  for (let quarter = 0; quarter < 121 * 4; quarter++) {
    bed.clock.advance(900_000);
    await bed.relay.settle();
  }
  const { state, attempts } = await came(here, id);
  expect(state).toBe("expired");
  const waits = attempts.slice(1).map((attempt, i) => attempt.at - attempts[i]!.at);
  expect(waits[0]).toBeLessThanOrEqual(3_600_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(9 * 3_600_000);
  expect(waits.at(-1)).toBeGreaterThan(waits[0]!);
  expect(attempts.at(-1)!.at - began).toBeLessThanOrEqual(5 * 86_400_000);
  expect(attempts.length).toBeGreaterThan(10);
  expect(attempts.length).toBeLessThan(60);
  expect(sinks.get(at(1)[0]!)!.connections()).toBe(attempts.length);
});

test("a resolver that is dead: mail waits as after any attempt, and each try asks few questions", async () => {
  let asked = 0;
  const resolver: Resolver = {
    async resolve(name) {
      // The member's own domain is asked about for the notice of the delay.
      if (name.endsWith("d.test")) asked++;
      return { status: "temperror", detail: "no answer", kind: "timeout" };
    },
  };
  const outside = { resolver, ca: "", observed: () => undefined, ruleOf: () => undefined };
  const here = await world([{ name: "one.test", addresses: at(1) }], { outside });
  const id = await send(here);
  for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
    here.bed.clock.advance(300_000);
    await here.bed.relay.settle();
  }
  const { state, attempts, last } = await came(here, id);
  expect([state, last?.class, last?.text]).toEqual([
    "deferred",
    "network",
    "the mail hosts of d.test could not be looked up: no answer",
  ]);
  expect(attempts.length).toBeLessThan(20);
  // The MX records, and the record of MTA-STS.
  expect(asked).toBeLessThanOrEqual(2 * attempts.length);
});
