import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { MovableClock } from "../src/lib/clock.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";
import type { DomainRule } from "../src/transport/index.ts";
import { deferred, PHASE_SCRIPTS, type Phase, type Row } from "./phase-scripts.ts";
import { client, member, newDirectory, startRelay, stopRelay, type Testbed } from "./relay-harness.ts";
import { startScriptedSink, OFFERS, type Script, type ScriptedSink } from "./scripted-sink.ts";
import { PROVIDER_SCRIPTS, type Ended } from "./scripts.ts";

/*
 * What becomes of one message at mail hosts that do what mail hosts do: a script each, and what must follow from it. The
 * relay is a whole one; its deadlines are short, so that silence is one.
 */

const authority = createAuthority();
const DAY = 86_400_000;
const names = ["mx.peer.test", ...Array.from({ length: 100 }, (_, i) => `mx.d${i}.test`)];
const certificates = {
  trusted: authority.issue(names),
  stranger: createAuthority().issue(names),
  "other-name": authority.issue(["mx.elsewhere.test"]),
  expired: authority.issue(names, { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }),
};
/** Of the phase in which a host is silent; all others have as long as they ever have. */
const DEADLINE = 2_000;

type World = {
  bed: Testbed;
  sinks: ScriptedSink[];
  /** How often the mail hosts of a domain were looked up. */
  lookUps: () => number;
  close: () => Promise<void>;
};
type Host = {
  script: Script;
  /** By which we know whose it is. */ name?: string;
  rule?: DomainRule | undefined;
};

/** A relay node, and a host for each script: mail of `d0.test`, `d1.test`, ... goes there. */
async function world(hosts: readonly Host[], late?: Phase): Promise<World> {
  const directory = newDirectory();
  const sinks: ScriptedSink[] = [];
  const addressOf = (index: number) => `127.0.5.${index + 1}`;
  for (const [i, { script }] of hosts.entries())
    sinks.push(
      await startScriptedSink(script, certificates, { host: addressOf(i), port: sinks[0]?.port ?? 0 }),
    );
  const numberOf = (name: string) => Number(/\bd(\d+)\.test$/.exec(name)?.[1] ?? 0);
  let lookUps = 0;
  const resolver: Resolver = {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const ok = (record: object) =>
        ({ status: "ok", authentic: false, records: [{ ...record, ttl: 60 }] }) as unknown as DnsAnswer<T>;
      if (type === "MX") lookUps++;
      if (type === "MX") return ok({ preference: 10, exchange: hosts[numberOf(name)]?.name ?? `mx.${name}` });
      return type === "A"
        ? ok({ address: addressOf(numberOf(name)) })
        : { status: "nodata", authentic: false };
    },
  };
  const bed = await startRelay(directory.path, sinks[0]!.port, new MovableClock(Date.now()), {
    deadlines: late ? { [late]: DEADLINE } : {},
    outside: {
      resolver,
      ca: authority.cert,
      observed: () => undefined,
      ruleOf: (domain) => hosts[numberOf(domain)]?.rule,
    },
  });
  // What its member is told is on its page, and is not one more message.
  await bed.book.apply({ ...member, version: 2, tier: "trusted", bounces: { to: "nobody" } });
  const close = async () => {
    await stopRelay(bed);
    for (const sink of sinks) await sink.close();
    directory.remove();
  };
  return { bed, sinks, lookUps: () => lookUps, close };
}

async function submit({ bed }: World, to: string, text = "Hi", subject = "Hello"): Promise<string> {
  const { response } = await client(bed).sendMail({ from: "alice@member.test", to, subject, text });
  return / as (\S+?)(?:[,\s]|$)/.exec(response)?.[1] ?? "";
}

/** Refused for good, the member is told so; what waits, it is told of when it has waited for hours. */
async function expectEnding({ bed, sinks }: World, index: number, id: string, ended: Ended): Promise<void> {
  const { state, nextAt } = (await bed.spool.message(id))!.recipients[0]!;
  const last = (await bed.spool.attempts(id)).at(-1);
  const what = { state, class: last?.class, permanent: last?.permanent, rule: last?.rule };
  const { transcript, rule, ...wanted } = ended;
  expect(what, last?.transcript).toMatchObject({ ...wanted, ...(rule !== undefined && { rule }) });
  expect(last?.transcript).toMatch(transcript);
  // No secret, and nothing of the message.
  expect(last?.transcript).not.toMatch(/Hello|DKIM-Signature|secret/);
  if (state === "deferred") expect(nextAt).toBeGreaterThan(bed.clock.now());
  const told = (await bed.spool.toldOf(id)).map(({ kind, status }) => [kind, status[0]]);
  expect(told).toEqual(state === "bounced" ? [["failed", "5"]] : []);
  expect(sinks[index]!.mails).toHaveLength(state === "delivered" ? 1 : 0);
}

describe.each(PROVIDER_SCRIPTS)("$provider", ({ host, cases }) => {
  test.each(cases)("$name", async ({ script, ended }) => {
    const here = await world([{ script, name: host }]);
    try {
      const id = await submit(here, "bob@d0.test");
      await here.bed.relay.settle();
      await expectEnding(here, 0, id, ended);
    } finally {
      await here.close();
    }
  });
});

type Placed = { here: World; index: number; id: string };

describe.each(Object.entries(PHASE_SCRIPTS))("%s, a host that", (_phase, rows) => {
  const worlds: World[] = [];
  const placed = new Map<string, Placed>();

  /** Mail of each row at its host, in a world of these. */
  async function tryAll(rows: readonly Row[], late?: Phase): Promise<void> {
    const here = await world(
      rows.map(([, script, , more]) => ({ script, rule: more?.rule })),
      late,
    );
    worlds.push(here);
    for (const [index, [name, , , more]] of rows.entries())
      placed.set(name, { here, index, id: await submit(here, `bob@d${index}.test`, more?.text) });
    await here.bed.relay.settle();
  }

  beforeAll(async () => {
    const [silent, others] = [rows.filter(isLate), rows.filter((row) => !isLate(row))];
    await Promise.all([tryAll(others), ...silent.map((row) => tryAll([row], row[3]?.late))]);
  }, 60_000);
  afterAll(() => Promise.all(worlds.map((one) => one.close())));

  test.each(rows.map(([name, script, ended]) => [name, script, ended] as const))(
    "%s",
    async (name, script, ended) => {
      const { here, index, id } = placed.get(name)!;
      await expectEnding(here, index, id, ended);
      for (const { pipelined } of here.sinks[index]!.mails)
        expect(pipelined).toBe((script.offers ?? OFFERS).includes("PIPELINING"));
    },
  );
});

const isLate = ([, , , more]: Row) => more?.late !== undefined;

test("a domain that puts its TLS right is believed at the next try, and asked no more often than each half minute", async () => {
  const host: Host = { script: { tls: "stranger" }, rule: { tls: "verified", minVersion: "TLSv1.2" } };
  const here = await world([host]);
  const requeue = async () => {
    const now = here.bed.clock.now();
    await here.bed.spool.requeue({ filter: {}, by: "ann", why: "it is right now", now });
    await here.bed.relay.settle();
  };
  try {
    await submit(here, "bob@d0.test");
    await here.bed.relay.settle();
    for (let i = 0; i < 3; i++) await requeue();
    expect([here.lookUps(), await here.bed.spool.counts()]).toEqual([1, { deferred: 1 }]);
    here.bed.clock.advance(30_000);
    await requeue();
    expect(here.lookUps()).toBe(2);
  } finally {
    await here.close();
  }
});

test("a host that closes after three messages has all ten, each once, and nobody waits for a retry", async () => {
  const script: Script = {
    messages: { most: 3, after: { says: "421 4.7.0 Too many messages on this connection", goes: "away" } },
  };
  const here = await world([{ script }]);
  try {
    const subjects = Array.from({ length: 10 }, (_, i) => `Number ${i}`);
    for (const subject of subjects) await submit(here, "bob@d0.test", "Hi", subject);
    await here.bed.relay.settle();
    expect(await here.bed.spool.counts()).toEqual({ delivered: 10 });
    const { mails } = here.sinks[0]!;
    expect(mails.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1]).toSorted()).toEqual(subjects);
    for (const own of Map.groupBy(mails, ({ connection }) => connection).values())
      expect(own.length).toBeLessThanOrEqual(3);
  } finally {
    await here.close();
  }
});

test("a host that is down: nobody listens", async () => {
  const here = await world([{ script: {} }]);
  try {
    await here.sinks[0]!.close();
    const id = await submit(here, "bob@d0.test");
    await here.bed.relay.settle();
    await expectEnding(here, 0, id, deferred(/ECONNREFUSED/));
  } finally {
    await here.close();
  }
});
