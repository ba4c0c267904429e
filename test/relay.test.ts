import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { readToken } from "../src/protocol/verp/index.ts";
import { client, member, refusal, sayYes, signatures, told, toldActions, verpKey } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const MINUTE = 60_000;
const ALL_SIGNATURES = [
  "member.test rsa-sha256 pass",
  "member.test ed25519-sha256 pass",
  "pool.test rsa-sha256 pass",
];

const here = useRelay();

const mail = { from: "Alice <alice@member.test>", to: "bob@a.test", subject: "Hello", text: "Hi\n.\nthere" };

test.each([true, false])("a message goes its way, implicit TLS: %s", async (implicit) => {
  const { response } = await client(here.bed, { implicit }).sendMail({ ...mail, bcc: "carol@b.test" });
  expect(response).toMatch(/^250 2\.0\.0 Queued as [a-z2-7]{16}$/);
  await here.bed.relay.settle();
  expect(here.sink.received.map((m) => [m.to, m.secure]).sort()).toEqual([
    ["bob@a.test", true],
    ["carol@b.test", true],
  ]);
  const [{ raw, from }, second] = here.sink.received as [
    (typeof here.sink.received)[0],
    (typeof here.sink.received)[0],
  ];
  expect(readToken(from, verpKey)).toMatch(/^[a-z2-7]{16}$/);
  expect(from).toMatch(/@bounce\.member\.test$/);
  expect(second.from).not.toBe(from);
  expect(raw).toMatch(/^Feedback-ID: transactional:m7:eu:atmos\r$/m);
  expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(raw).toMatch(/^Received: by relay\.pool\.test /m);
  expect(raw).not.toMatch(/^bcc|carol|127\.0\.0\.1/im);
  expect(await signatures(raw, here.bed.clock.now())).toEqual(ALL_SIGNATURES);
  expect(await toldActions(here.bed)).toEqual([
    "message_accepted",
    "recipient_delivered",
    "recipient_delivered",
  ]);
  expect(JSON.stringify(await told(here.bed))).not.toMatch(/bob@|carol@|Hello/);
  const [message] = await here.bed.spool.messages(member.did);
  const attempt = (await here.bed.spool.attempts(message!.id)).find((a) =>
    a.transcript.includes("bob@a.test"),
  );
  expect(attempt).toMatchObject({ host: "mx.shared.test [127.0.0.1]", code: 250, class: "ok" });
  expect(attempt!.tls).toMatch(/^TLSv1\.[23] /);
  expect(attempt!.transcript).toMatch(/C: RCPT TO:<bob@a\.test>[^]*S: 250 kept/);
  expect(attempt!.transcript).not.toMatch(/Subject|Hi/);
  expect(attempt).toMatchObject({ tlsPolicy: "floor", fault: "none", permanent: false, rule: null });
});

test("a large message arrives whole", async () => {
  const text = "0123456789 abcdefghijklmnopqrstuvwxyz\r\n".repeat(30_000);
  await client(here.bed).sendMail({ ...mail, text });
  await here.bed.relay.settle();
  const { raw } = here.sink.received[0]!;
  expect(raw).toContain(text);
  expect(await signatures(raw, here.bed.clock.now())).toEqual(ALL_SIGNATURES);
});

test("many messages to one host share connections", async () => {
  const to = Array.from({ length: 40 }, (_, i) => `r${i}@d${i % 3}.test`);
  await client(here.bed).sendMail({ ...mail, to });
  await here.bed.relay.settle();
  expect(here.sink.received.map((m) => m.to).sort()).toEqual(to.sort());
  expect(new Set(here.sink.received.map((m) => m.connection)).size).toBeLessThanOrEqual(10);
});

test("who may not send is told why, and nothing is kept", async () => {
  const wrong = "535 5.7.8 User name or secret is wrong [auth]";
  expect(await refusal(client(here.bed, { pass: "wrong" }).sendMail(mail))).toBe(wrong);
  expect(await refusal(client(here.bed, { user: "nobody" }).sendMail(mail))).toBe(wrong);
  const envelope = { from: "alice@member.test", to: "bob@a.test" };
  const foreign = /^550 5\.7\.1 evil\.test is not a domain of this credential/;
  expect(await refusal(client(here.bed).sendMail({ ...mail, envelope, from: "eve@evil.test" }))).toMatch(
    foreign,
  );
  expect(await refusal(client(here.bed).sendMail({ ...mail, from: "eve@evil.test" }))).toMatch(foreign);
  expect(await refusal(client(here.bed).sendMail({ ...mail, to: "gone@a.test" }))).toBe(
    "550 5.1.1 This recipient complained; release it in the portal [suppressed]",
  );
  const reason = { text: "Bounces over 10 %.", url: "https://pool.test/why/1" };
  await here.bed.book.apply({ ...member, version: 2, standing: "suspended", reason });
  expect(await refusal(client(here.bed).sendMail(mail))).toBe(
    "550 5.7.1 This member is suspended: Bounces over 10 %. See https://pool.test/why/1 [suspended]",
  );
  expect(await here.bed.spool.counts()).toEqual({});
  expect(new Set(await toldActions(here.bed))).toEqual(new Set(["message_refused"]));
});

test("a limit paces what can leave within ten minutes, and the rest is told when to come again", async () => {
  await client(here.bed).sendMail(mail);
  await sayYes(here.bed);
  await here.bed.relay.settle();
  here.sink.received.length = 0;
  const to = Array.from({ length: 60 }, (_, i) => `r${i}@a.test`);
  expect((await client(here.bed).sendMail({ ...mail, to })).response).toMatch(/^250 2\.0\.0 Queued as \w+$/);
  for (const minute of [1, 10]) {
    const { response } = await client(here.bed).sendMail({ ...mail, to: to.slice(0, minute === 1 ? 1 : 9) });
    expect(response).toMatch(new RegExp(`Queued as \\w+, paced by ${minute * 60} seconds \\[paced\\]$`));
  }
  expect(await refusal(client(here.bed).sendMail(mail))).toMatch(
    /^451 4\.7\.1 Over the limit of 60 recipients an hour, try again in 60 seconds \[over-limit\]$/,
  );
  await here.bed.relay.settle();
  expect(here.sink.received).toHaveLength(60);
  here.bed.clock.advance(MINUTE);
  await here.bed.relay.settle();
  expect(here.sink.received).toHaveLength(61);
  here.bed.clock.advance(9 * MINUTE);
  await here.bed.relay.settle();
  expect(here.sink.received).toHaveLength(70);
});

test("what is paced is told in the event, and what is refused by its name", async () => {
  await client(here.bed).sendMail(mail);
  await sayYes(here.bed);
  const to = Array.from({ length: 60 }, (_, i) => `r${i}@a.test`);
  await client(here.bed).sendMail({ ...mail, to });
  await client(here.bed).sendMail(mail);
  // The tenth is refused at RCPT, and the nine others go.
  await client(here.bed).sendMail({ ...mail, to: to.slice(0, 10) });
  const details = async () =>
    (await told(here.bed))
      .filter((e) => e.data.action_name.startsWith("message_"))
      .map((e) => [e.data.action_name, e.data.data.detail]);
  await expect.poll(async () => (await details()).length).toBe(5);
  expect(await details()).toEqual([
    ["message_accepted", { reason: "ok" }],
    ["message_accepted", { reason: "ok" }],
    ["message_accepted", { reason: "paced", wait_ms: MINUTE }],
    ["message_refused", { stage: "rcpt", reason: "over-limit", code: 451, also: 0 }],
    ["message_accepted", { reason: "paced", wait_ms: 10 * MINUTE }],
  ]);
  const metrics = await here.bed.metrics.registry.getSingleMetricAsString("atmos_submissions_total");
  expect(metrics).toContain('{outcome="accept",reason="ok"} 2');
  expect(metrics).toContain('{outcome="accept",reason="paced"} 2');
  expect(metrics).toContain('{outcome="defer",reason="over-limit"} 1');
});

test("a refused recipient bounces once, and the member alone gets a DSN", async () => {
  here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 User bob@a.test unknown"] };
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ bounced: 1, delivered: 1 });
  expect(here.sink.received.map((m) => [m.from, m.to])).toEqual([["", "alice@member.test"]]);
  expect(await toldActions(here.bed)).toEqual(["message_accepted", "recipient_bounced"]);
  expect((await told(here.bed))[1]!.data.data.smtp).toEqual({
    code: 550,
    enhanced: "5.1.1",
    text: "User <address> unknown",
    provider: "other",
    class: "bad-mailbox",
    fault: "recipient",
  });
});

test("where the member chose no address nobody gets a DSN, and nothing of it is lost", async () => {
  const { bounces: _, ...undecided } = member;
  await here.bed.book.apply({ ...undecided, version: 2 });
  here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 User unknown"] };
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ bounced: 1 });
  expect(here.sink.received).toEqual([]);
  const [message] = await here.bed.spool.messages(member.did);
  expect(await here.bed.spool.toldOf(message!.id)).toMatchObject([
    {
      kind: "failed",
      status: "5.1.1",
      sentTo: null,
      text: expect.stringContaining("550 5.1.1 User unknown"),
    },
  ]);
});

test("a DSN that cannot be delivered gives rise to nothing", async () => {
  here.sink.replies.rcpt = { "bob@a.test": [550, "5.1.1 No"], "alice@member.test": [550, "5.1.1 No"] };
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ bounced: 2 });
});

test("a temporary refusal is tried again for five days, and then the member is told", async () => {
  here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Greylisted"] };
  await client(here.bed).sendMail(mail);
  const attempts = async () => (await here.bed.spool.messages(member.did)).at(-1)!.recipients[0]!.attempts;
  await here.bed.relay.settle();
  expect([await here.bed.spool.counts(), await attempts()]).toEqual([{ deferred: 1 }, 1]);
  here.bed.clock.advance(30_000);
  await here.bed.relay.settle();
  expect(await attempts()).toBe(1);
  here.bed.clock.advance(31_000);
  await here.bed.relay.settle();
  expect(await attempts()).toBe(2);
  here.bed.clock.advance(5 * 24 * 60 * MINUTE);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ expired: 1, delivered: 1 });
  const { raw, from, to } = here.sink.received[0]!;
  expect([from, to]).toEqual(["", "alice@member.test"]);
  expect(raw).toMatch(/^Status: 4\.4\.7\r$/m);
  expect(raw).toMatch(/^Diagnostic-Code: smtp; 451 4\.7\.1 Greylisted\r$/m);
  expect(await signatures(raw, here.bed.clock.now())).toEqual(["pool.test rsa-sha256 pass"]);
});

test("a domain that does not exist bounces without a connection", async () => {
  await client(here.bed).sendMail({ ...mail, to: "x@missing.test" });
  await here.bed.relay.settle();
  const bounce = (await told(here.bed)).find((e) => e.data.action_name === "recipient_bounced");
  expect(bounce?.data.data.smtp).toMatchObject({ class: "bad-domain", enhanced: "5.1.2" });
});

test("the provider of a domain is known by its name, or by an earlier delivery", async () => {
  const of = (domain: string) => here.bed.relay.providerOf(domain);
  expect([of("gmail.com"), of("a.test")]).toEqual(["gmail", undefined]);
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(of("a.test")).toBe("other");
});

test("nothing goes in clear", async () => {
  await here.withSink({ tls: false });
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ deferred: 1 });
  expect(here.sink.received).toEqual([]);
  const deferred = (await told(here.bed)).find((e) => e.data.action_name === "recipient_deferred");
  expect(deferred?.data.data.smtp).toMatchObject({ class: "no-tls", fault: "remote" });
});

test("a host that never answers holds up nobody else", async () => {
  const silent = createServer(() => undefined).listen(here.sink.port, "127.0.0.2");
  await once(silent, "listening");
  await client(here.bed).sendMail({ ...mail, to: ["x@slow.test", "y@slow.test", "bob@a.test"] });
  await expect.poll(() => here.sink.received.map((m) => m.to), { timeout: 1_500 }).toEqual(["bob@a.test"]);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1, deferred: 2 });
  silent.close();
});

test("a suspended member's queued mail stays, and goes on after", async () => {
  here.sink.replies.data = [451, "4.3.0 Later"];
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  delete here.sink.replies.data;
  await here.bed.book.apply({ ...member, version: 2, standing: "suspended" });
  here.bed.clock.advance(60 * MINUTE);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
  expect(here.sink.received).toEqual([]);
  await here.bed.book.apply({ ...member, version: 3 });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1 });
});

test("a transfer ends before its final dot when its member is suspended", async () => {
  await here.withSink({ stuck: true });
  await client(here.bed).sendMail({ ...mail, text: "0123456789\n".repeat(1_500_000) });
  await here.sink.inData;
  await here.bed.book.apply({ ...member, version: 2, standing: "suspended" });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
  expect(await here.sink.cutOff).toBe(true);
});

test("a paused member's new mail is held", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  const { response } = await client(here.bed).sendMail(mail);
  expect(response).toMatch(/^250 2\.0\.0 Held as /);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
  expect(await toldActions(here.bed)).toEqual(["message_held"]);
});

const DAYS = 24 * 60 * MINUTE;

test("held mail does not leave when its time is over, and the member is told", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  await client(here.bed).sendMail(mail);
  here.bed.clock.advance(20 * DAYS);
  await here.bed.book.apply({ ...member, version: 3 });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1, expired: 1 });
  expect(here.sink.received.map((m) => [m.from, m.to])).toEqual([["", "alice@member.test"]]);
  expect(here.sink.received[0]!.raw).toMatch(/^Diagnostic-Code: X-Atmos; it could not leave in time\r$/m);
  expect(await toldActions(here.bed)).toEqual(["message_held", "recipient_expired"]);
});

test("held mail is given back after five days", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  await client(here.bed).sendMail(mail);
  here.bed.clock.advance(5 * DAYS - MINUTE);
  await here.bed.relay.returnHeld();
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
  here.bed.clock.advance(2 * MINUTE);
  await here.bed.relay.returnHeld();
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1, returned: 1 });
  expect(here.sink.received.map((m) => m.to)).toEqual(["alice@member.test"]);
  expect(here.sink.received[0]!.raw).toMatch(/gives it back unsent/);
});

test("an ejected member's held mail is given back at once", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  await client(here.bed).sendMail(mail);
  await here.bed.book.apply({ ...member, version: 3, standing: "ejected" });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1, returned: 1 });
  expect(here.sink.received[0]!.raw).toMatch(/membership of the sender has ended/);
});

test("a transfer that is cut off by an ejection is given back", async () => {
  await here.withSink({ stuck: true });
  await client(here.bed).sendMail({ ...mail, text: "0123456789\n".repeat(1_500_000) });
  await here.sink.inData;
  await here.bed.book.apply({ ...member, version: 2, standing: "ejected", domains: [] });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ returned: 1 });
});

test("a member suspended while a message is signed: it is held, and the event says why", async () => {
  here.bed.hooks.onOpen = () => void here.bed.book.apply({ ...member, version: 2, standing: "suspended" });
  expect((await client(here.bed).sendMail(mail)).response).toMatch(/Held as/);
  expect((await told(here.bed))[0]!.data).toMatchObject({
    action_name: "message_held",
    data: { detail: { reason: "suspended" } },
  });
});

test("a restart sends what was accepted before", async () => {
  // The receiving side is not there: what is accepted now waits.
  await here.restart({ port: 1 });
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ deferred: 1 });
  here.bed.clock.advance(10 * MINUTE);
  await here.restart();
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1 });
  expect(here.sink.received).toHaveLength(1);
});
