import { describe, expect, test } from "vitest";
import type { SubmitInput, Who } from "../src/relay/index.ts";
import { client, member, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();

async function* source(
  text = "From: alice@member.test\r\nSubject: x\r\n\r\nx\r\n",
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
const who = (): Who =>
  here.bed.relay.authenticate({ username: "alice", secret: "secret", address: "192.0.2.1" }) as Who;
const submit = (change: Partial<SubmitInput> = {}) =>
  here.bed.relay.submit({
    ...who(),
    sender: "alice@member.test",
    recipients: [{ address: "bob@a.test" }],
    protocol: "HTTP",
    source: source(),
    ...change,
  });

describe("a log-in", () => {
  const address = "192.0.2.1";
  test("by name, and by the secret alone at a member", () => {
    for (const login of [{ username: "alice" }, { did: member.did }])
      expect(here.bed.relay.authenticate({ ...login, secret: "secret", address })).toMatchObject({
        member: { did: member.did },
        credential: { id: "c1" },
      });
  });

  test("that fails says the same of a name that is not there, and is slowed down", () => {
    const wrong = { code: 535, reason: "auth", text: "User name or secret is wrong [auth]" };
    for (const login of [{ username: "alice" }, { username: "x" }, { did: member.did }, { did: "did:plc:x" }])
      expect(here.bed.relay.authenticate({ ...login, secret: "wrong", address })).toMatchObject(wrong);
    for (let n = 0; n < 6; n++) here.bed.relay.authenticate({ username: "x", secret: "x", address });
    expect(here.bed.relay.authenticate({ username: "x", secret: "x", address })).toMatchObject({ code: 421 });
    expect(who()).toMatchObject({ credential: { id: "c1" } });
  });

  test("is told once a minute for an address", async () => {
    for (let n = 0; n < 5; n++) who();
    here.bed.relay.authenticate({ username: "alice", secret: "secret", address: "192.0.2.2" });
    here.bed.clock.advance(60_000);
    await here.loggedIn();
    who();
    expect(here.bed.uses.map((use) => use.address)).toEqual([
      "192.0.2.1",
      "192.0.2.2",
      "127.0.0.1",
      "192.0.2.1",
    ]);
    expect(here.bed.uses[0]).toMatchObject({ credential: "c1", did: member.did });
  });
});

test("bulk mail without one click of its own is taken, and the reply says what it lacks", async () => {
  const mail = "From: alice@member.test\r\nList-Unsubscribe: <mailto:out@member.test>\r\n\r\nx\r\n";
  const taken = await submit({ source: source(mail) });
  expect(taken).toMatchObject({
    ok: true,
    text: expect.stringMatching(/^Queued as \w+, but Gmail and Yahoo want/),
  });
});

test("each recipient is judged for itself, and the rest goes", async () => {
  const recipients = ["bob@a.test", "gone@a.test", "nowhere"].map((address) => ({ address }));
  expect(await submit({ recipients })).toMatchObject({
    ok: true,
    state: "queued",
    reason: "ok",
    waitMs: 0,
    recipients: [
      { address: "gone@a.test", code: 550, enhanced: "5.1.1", reason: "suppressed" },
      { address: "nowhere", code: 553, enhanced: "5.1.3", reason: "malformed" },
    ],
  });
  await here.bed.relay.settle();
  expect(here.sink.received.map((m) => m.to)).toEqual(["bob@a.test"]);
  expect(here.sink.received[0]!.raw).toMatch(
    /^Received: by relay\.pool\.test \(Atmosphere Mail\) with HTTP id /m,
  );
});

test.each<[string, Partial<SubmitInput>, object]>([
  ["a sender of another", { sender: "a@evil.test" }, { code: 550, reason: "foreign-domain" }],
  [
    "From of another",
    { source: source("From: a@evil.test\r\n\r\n") },
    { code: 550, reason: "foreign-domain" },
  ],
  [
    "no recipient that is taken",
    { recipients: [{ address: "gone@a.test" }] },
    { code: 550, reason: "suppressed" },
  ],
  ["a bare LF", { source: source("From: alice@member.test\n\nx\r\n") }, { code: 550, reason: "malformed" }],
])("refused: %s", async (_name, change, refusal) => {
  expect(await submit(change)).toMatchObject({ ok: false, ...refusal });
  expect(await here.bed.spool.openCount()).toBe(0);
});

test("the same key is the same message, also at once; another body under it is told apart", async () => {
  const idempotency = { key: "k1", digest: "d1" };
  const [first, second] = await Promise.all([submit({ idempotency }), submit({ idempotency })]);
  const third = await submit({ idempotency });
  expect([first, second, third].map((r) => r.ok && r.id)).toEqual(Array(3).fill(first.ok && first.id));
  expect(third).toMatchObject({ earlier: { digest: "d1" } });
  const other = await submit({ idempotency: { key: "k1", digest: "d2" } });
  expect(other).toMatchObject({ ok: true, earlier: { digest: "d1" } });
  expect(await here.bed.spool.openCount()).toBe(1);
});

test("a stream and a priority that are asked for are kept", async () => {
  await submit({ stream: "bulk" });
  await submit({ priority: 0 });
  expect((await here.bed.spool.messages(member.did)).map((m) => [m.stream, m.priority])).toEqual([
    ["transactional", 0],
    ["bulk", 2],
  ]);
});

describe("revocation and suspension", () => {
  const revoked = {
    ...member,
    version: 2,
    credentials: member.credentials.map((c) => ({ ...c, revoked: true })),
  };

  test.each([
    ["a revoked credential", revoked, "revoked"],
    ["a suspended member", { ...member, version: 2, standing: "suspended" as const }, "suspended"],
  ])(
    "what %s left in the spool is held within a second, and does not leave",
    async (_name, policy, reason) => {
      here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Later"] };
      await submit();
      await here.bed.relay.settle();
      delete here.sink.replies.rcpt;
      const began = performance.now();
      await here.bed.book.apply(policy);
      await expect.poll(() => here.bed.spool.counts(), { timeout: 1_000 }).toEqual({ held: 1 });
      expect(performance.now() - began).toBeLessThan(1_000);
      here.bed.clock.advance(3_600_000);
      await here.bed.relay.settle();
      expect(here.sink.received).toEqual([]);
      const { entries } = await here.bed.spool.list({ states: ["held"] });
      expect(entries[0]!.hold).toEqual({ reason, owner: "policy" });
    },
  );

  test("every open connection of a revoked credential ends at its next command, in the middle of a message too", async () => {
    const idle = await here.loggedIn();
    const sending = await here.loggedIn();
    await sending.say("MAIL FROM:<alice@member.test>\r\n");
    await sending.say("RCPT TO:<bob@a.test>\r\n");
    await sending.say("DATA\r\n");
    const alice = who();
    await here.bed.book.apply(revoked);
    const bye = /^421 4\.7\.0 This credential has been revoked.* \[revoked\]$/;
    expect(await idle.say("RSET\r\n")).toMatch(bye);
    expect(await sending.say("From: alice@member.test\r\n\r\nx\r\n.\r\n")).toMatch(bye);
    for (const { socket } of [idle, sending]) await expect.poll(() => socket.closed).toBe(true);
    expect(await here.bed.spool.openCount()).toBe(0);
    expect(await submit(alice)).toMatchObject({ ok: false, code: 535, reason: "revoked" });
  });

  test("a message is refused whose member was suspended while it came", async () => {
    const { say } = await here.loggedIn();
    await say("MAIL FROM:<alice@member.test>\r\n");
    await say("RCPT TO:<bob@a.test>\r\n");
    await say("DATA\r\n");
    await here.bed.book.apply({ ...member, version: 2, standing: "suspended" });
    expect(await say("From: alice@member.test\r\n\r\nx\r\n.\r\n")).toMatch(/^550 5\.7\.1 .*\[suspended\]$/);
  });
});

test("a disk without room is told at MAIL, before anything is sent", async () => {
  await here.restart({ reserve: Number.MAX_SAFE_INTEGER });
  const { say } = await here.loggedIn();
  expect(await say("MAIL FROM:<alice@member.test>\r\n")).toMatch(/^452 4\.3\.1 .*\[disk-full\]$/);
  expect(await submit()).toMatchObject({ ok: false, code: 452, reason: "disk-full" });
});

test("a held message says so, with the name of why", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  expect(await submit()).toMatchObject({
    ok: true,
    state: "held",
    reason: "paused",
    text: expect.stringMatching(/^Held as \w+ \[paused\]$/) as string,
  });
  expect((await told(here.bed))[0]!.data.data.message).toMatchObject({
    first_time: 1,
    template_known: false,
  });
  expect(
    (await client(here.bed).sendMail({ from: "alice@member.test", to: "b@a.test", text: "x" })).response,
  ).toMatch(/^250 2\.0\.0 Held as \w+ \[paused\]$/);
});
