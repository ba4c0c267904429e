import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { MovableClock } from "../src/lib/clock.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";
import type { ReplyClass } from "../src/protocol/smtp-reply/index.ts";
import type { DomainRule } from "../src/transport/index.ts";
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
const DEADLINE = 1_000;
const deadlines = {
  connect: 5_000,
  greeting: DEADLINE,
  ehlo: DEADLINE,
  tls: DEADLINE,
  allHosts: 10_000,
  mail: DEADLINE,
  rcpt: DEADLINE,
  dataStart: DEADLINE,
  body: 2 * DEADLINE,
  dataEnd: DEADLINE,
};

type World = { bed: Testbed; sinks: ScriptedSink[]; close: () => Promise<void> };
type Host = {
  script: Script;
  /** By which we know whose it is. */ name?: string;
  rule?: DomainRule | undefined;
};

/** A relay node, and a host for each script: mail of `d0.test`, `d1.test`, ... goes there. */
async function world(hosts: readonly Host[]): Promise<World> {
  const directory = newDirectory();
  const sinks: ScriptedSink[] = [];
  const addressOf = (index: number) => `127.0.5.${index + 1}`;
  for (const [i, { script }] of hosts.entries())
    sinks.push(
      await startScriptedSink(script, certificates, { host: addressOf(i), port: sinks[0]?.port ?? 0 }),
    );
  const numberOf = (name: string) => Number(/\bd(\d+)\.test$/.exec(name)?.[1] ?? 0);
  const resolver: Resolver = {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const ok = (record: object) =>
        ({ status: "ok", authentic: false, records: [{ ...record, ttl: 60 }] }) as unknown as DnsAnswer<T>;
      if (type === "MX") return ok({ preference: 10, exchange: hosts[numberOf(name)]?.name ?? `mx.${name}` });
      return type === "A"
        ? ok({ address: addressOf(numberOf(name)) })
        : { status: "nodata", authentic: false };
    },
  };
  const bed = await startRelay(directory.path, sinks[0]!.port, new MovableClock(Date.now()), {
    deadlines,
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
  return { bed, sinks, close };
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

const deferred = (transcript: RegExp, kind: ReplyClass = "network"): Ended => ({
  state: "deferred",
  class: kind,
  permanent: false,
  transcript,
});
const delivered = (transcript = /S: 250 2\.0\.0 Kept/): Ended => ({
  state: "delivered",
  class: "ok",
  permanent: false,
  transcript,
});
const CLOSED = /closed|reset/i;
const LATE = /no answer within/;

type Row = [name: string, Script, Ended, more?: { text?: string; rule?: DomainRule }];
const LARGE = "A line of a large message.\r\n".repeat(40_000);

/** By the phase in which it happens; few enough for one member's mail to be nothing out of the ordinary. */
const rows: Record<string, Row[]> = {
  "before TLS": [
    ["goes at once", { banner: { goes: "away" } }, deferred(CLOSED)],
    ["is reset at once", { banner: { goes: "reset" } }, deferred(CLOSED)],
    ["never greets", { banner: "silence" }, deferred(LATE)],
    ["greets slowly", { banner: { says: "220 mx", afterMs: 100 } }, delivered()],
    ["greets in many lines", { banner: "220-mx\n220-is\n220 here" }, delivered(/S: 220-is\nS: 220 here/)],
    ["greets too slowly", { banner: { says: "220 mx", afterMs: 3 * DEADLINE } }, deferred(LATE)],
    ["greets octet by octet", { banner: { says: "220 mx.peer.test", perOctetMs: 200 } }, deferred(LATE)],
    ["greets with 421", { banner: "421 4.3.2 Busy" }, deferred(/S: 421/, "system")],
    [
      "greets with 554, which is for good only of a recipient",
      { banner: "554 No SMTP service here" },
      deferred(/S: 554/, "blocked"),
    ],
    ["greets with 250", { banner: "250 mx" }, deferred(/S: 250 mx/)],
    ["is no SMTP", { banner: "HTTP/1.1 400 Bad Request" }, deferred(/is no SMTP/)],
    ["greets without end", { banner: `220 ${"x".repeat(5_000)}` }, deferred(/too long/)],
    ["greets in a thousand lines", { banner: `${"220-x\n".repeat(1_000)}220 x` }, deferred(/too long/)],
    ["goes at EHLO", { ehlo: { goes: "away" } }, deferred(CLOSED)],
    ["is silent at EHLO", { ehlo: "silence" }, deferred(LATE)],
    ["knows no EHLO, so no TLS either", { ehlo: "502 5.5.1 What?" }, deferred(/S: 502/, "no-tls")],
    [
      "knows no EHLO, and mail may go in clear",
      { ehlo: "500 5.5.2 Unknown", tls: "none", offers: [] },
      delivered(/C: HELO/),
      { rule: { tls: "clear", minVersion: "TLSv1.2" } },
    ],
    [
      "refuses us at EHLO, by name",
      { ehlo: "554 5.7.1 Your address is blocked" },
      deferred(/S: 554/, "blocked"),
    ],
  ],
  "at TLS": [
    ["offers no TLS", { tls: "none" }, deferred(/no encryption/, "no-tls")],
    [
      "offers no TLS, by the operator's exception",
      { tls: "none" },
      delivered(),
      { rule: { tls: "clear", minVersion: "TLSv1.2" } },
    ],
    ["454 to STARTTLS", { starttls: "454 4.7.0 TLS not available" }, deferred(/S: 454/, "no-tls")],
    ["501 to STARTTLS", { starttls: "501 5.5.4 Syntax" }, deferred(/S: 501/, "no-tls")],
    ["goes at STARTTLS", { starttls: { goes: "away" } }, deferred(CLOSED, "no-tls")],
    ["is silent at STARTTLS", { starttls: "silence" }, deferred(LATE, "no-tls")],
    ["220 and no TLS", { tls: "garbage" }, deferred(/S: 220/, "no-tls")],
    ["220 and goes", { tls: "gone" }, deferred(CLOSED, "no-tls")],
    [
      "220 with words put in",
      { starttls: "220 Ready\n250 injected" },
      deferred(/put words in|in clear after STARTTLS/, "no-tls"),
    ],
    ["TLS 1.1", { tls: "old" }, deferred(/protocol|version/i, "no-tls")],
  ],
  "by its certificate": [
    ["a certificate of nobody known, at the floor", { tls: "stranger" }, delivered(/not trusted/)],
    ["a certificate that is over, at the floor", { tls: "expired" }, delivered(/not trusted/)],
    [
      "a certificate of another name, where a good one is asked for",
      { tls: "other-name" },
      deferred(/not used/, "no-tls"),
      { rule: { tls: "verified", minVersion: "TLSv1.2" } },
    ],
    [
      "a certificate of nobody known, where a good one is asked for",
      { tls: "stranger" },
      deferred(/not used/, "no-tls"),
      { rule: { tls: "verified", minVersion: "TLSv1.2" } },
    ],
    ["goes after TLS", { secured: { goes: "away" } }, deferred(CLOSED, "no-tls")],
    ["is silent after TLS", { secured: "silence" }, deferred(LATE, "no-tls")],
  ],
  "at MAIL and RCPT": [
    ["refuses MAIL for now", { mail: "451 4.3.0 Not now" }, deferred(/S: 451/, "system")],
    [
      "refuses MAIL in many lines",
      { mail: "550-5.7.1 This is\n550 5.7.1 our policy" },
      {
        state: "bounced",
        class: "policy",
        permanent: true,
        transcript: /S: 550-5\.7\.1 This is\nS: 550 5\.7\.1 our policy/,
      },
    ],
    ["goes at MAIL", { mail: { goes: "away" } }, deferred(CLOSED)],
    ["421 at MAIL", { mail: { says: "421 4.3.2 Closing", goes: "away" } }, deferred(/S: 421/, "system")],
    ["is silent at MAIL", { mail: "silence" }, deferred(LATE)],
    ["says MAIL octet by octet", { mail: { says: "250 2.1.0 OK", perOctetMs: 200 } }, deferred(LATE)],
    [
      "knows nobody",
      { rcpt: "550 5.1.1 User unknown" },
      {
        state: "bounced",
        class: "bad-mailbox",
        permanent: true,
        transcript: /C: RCPT TO:[^]*S: 550 5\.1\.1/,
      },
    ],
    [
      "knows nobody, and has no PIPELINING",
      { rcpt: "550 5.1.1 User unknown", offers: OFFERS.slice(1) },
      {
        state: "bounced",
        class: "bad-mailbox",
        permanent: true,
        transcript: /C: RCPT TO:.*\nS: 550[^]*C: RSET/,
      },
    ],
    ["goes at RCPT", { rcpt: { goes: "away" } }, deferred(CLOSED)],
    [
      "421 at RCPT",
      { rcpt: { says: "421 4.7.0 Too many connections", goes: "away" } },
      deferred(/S: 421/, "rate-limited"),
    ],
    ["answers DATA before RCPT", { dataFirst: true }, deferred(/S: 354/)],
  ],
  "in the message": [
    ["refuses DATA", { data: "451 4.3.0 Not now" }, deferred(/S: 451/, "system")],
    ["takes DATA for 250", { data: "250 OK" }, deferred(/C: DATA[^]*S: 250 OK/)],
    ["goes at DATA", { data: { goes: "away" } }, deferred(CLOSED)],
    ["is silent at DATA", { data: "silence" }, deferred(LATE)],
    [
      "goes in the middle of the message",
      { body: { after: 100_000, does: { goes: "away" } } },
      deferred(/closed|reset|EPIPE/i),
      { text: LARGE },
    ],
    [
      "stops reading",
      { body: { after: 1_000, does: "deaf" } },
      deferred(/not taken within/),
      { text: LARGE.repeat(12) },
    ],
    [
      "refuses in the middle of the message",
      { body: { after: 100_000, does: { says: "552 5.3.4 Message too big", goes: "away" } } },
      { state: "bounced", class: "too-large", permanent: true, transcript: /S: 552/ },
      { text: LARGE.repeat(12) },
    ],
    ["goes after the final dot", { dot: { goes: "away" } }, deferred(CLOSED)],
    ["is silent after the final dot", { dot: "silence" }, deferred(LATE)],
    [
      "refuses after the final dot",
      { dot: "554 5.7.1 Message rejected as spam" },
      { state: "bounced", class: "content", permanent: true, transcript: /S: 554/ },
    ],
    ["defers after the final dot", { dot: "451 4.7.1 Greylisted" }, deferred(/S: 451/, "greylisted")],
    ["answers the dot with no SMTP", { dot: "OK" }, deferred(/is no SMTP/)],
    ["answers the dot without end", { dot: `451 ${"x".repeat(70_000)}` }, deferred(/too long/)],
    ["pipelines", {}, delivered()],
    ["does not pipeline", { offers: OFFERS.slice(1) }, delivered()],
    ["offers nothing at all", { offers: [] }, delivered()],
  ],
};

describe.each(Object.entries(rows))("%s, a host that", (_phase, rows) => {
  let here: World;
  const ids: string[] = [];
  beforeAll(async () => {
    here = await world(rows.map(([, script, , more]) => ({ script, rule: more?.rule })));
    for (const [i, [, , , more]] of rows.entries())
      ids.push(await submit(here, `bob@d${i}.test`, more?.text));
    await here.bed.relay.settle();
  }, 60_000);
  afterAll(() => here?.close());

  test.each(rows.map(([name, script, ended], i) => [name, i, script, ended] as const))(
    "%s",
    async (_name, i, script, ended) => {
      await expectEnding(here, i, ids[i]!, ended);
      for (const { pipelined } of here.sinks[i]!.mails)
        expect(pipelined).toBe((script.offers ?? OFFERS).includes("PIPELINING"));
    },
  );
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
