import { describe, expect, test } from "vitest";
import { client, member, refusal, told } from "./relay-harness.ts";
import { auth } from "./smtp-peers.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay({ port: 1 });

const HEAD = "From: alice@member.test\r\nSubject: x\r\n\r\n";

async function submit(message: string, mail = "MAIL FROM:<alice@member.test>\r\n"): Promise<string> {
  const { say } = await here.loggedIn();
  const first = await say(mail);
  if (!first.startsWith("250")) return first;
  await say("RCPT TO:<bob@a.test>\r\n");
  expect(await say("DATA\r\n")).toMatch(/^354/);
  return say(message);
}

describe("authentication", () => {
  test("is not there before TLS", async () => {
    const { say } = await here.plain();
    const features = await say("EHLO x\r\n");
    expect(features).toMatch(/STARTTLS/);
    expect(features).not.toMatch(/AUTH/);
    expect(await say(auth("alice", "secret"))).toMatch(/^500/);
    expect(await say("MAIL FROM:<alice@member.test>\r\n")).toMatch(/^530 5\.7\.0/);
    expect(await say("RCPT TO:<bob@a.test>\r\n")).toMatch(/^503/);
    expect(await say("DATA\r\n")).toMatch(/^503/);
  });

  test("is needed for mail", async () => {
    const { say } = await here.overTls();
    expect(await say("EHLO x\r\n")).toMatch(/AUTH PLAIN LOGIN/);
    expect(await say("MAIL FROM:<alice@member.test>\r\n")).toMatch(/^530/);
  });

  test("is over after three failures", async () => {
    const { say } = await here.overTls();
    await say("EHLO x\r\n");
    expect(await say(auth("alice", "1"))).toMatch(/^535 5\.7\.8/);
    expect(await say(auth("alice", "2"))).toMatch(/^535/);
    expect(await say(auth("alice", "3"))).toMatch(/^421 4\.7\.0/);
  });

  test("a host that guesses is slowed down, and who knows the secret is not", async () => {
    const answers: string[] = [];
    for (let n = 0; n < 6; n++) {
      const { say } = await here.overTls();
      await say("EHLO x\r\n");
      answers.push((await say(auth("alice", "1"))).slice(0, 3), (await say(auth("alice", "2"))).slice(0, 3));
    }
    expect(answers.filter((code) => code === "535")).toHaveLength(10);
    await here.loggedIn();
  });

  test("a revoked credential works no more, in the middle of a session too", async () => {
    const { say, socket } = await here.loggedIn();
    const credentials = member.credentials.map((c) => ({ ...c, revoked: true }));
    await here.bed.book.apply({ ...member, version: 2, credentials });
    expect(await say("NOOP\r\n")).toMatch(/^421 4\.7\.0 .* \[revoked\]$/);
    await expect.poll(() => socket.closed).toBe(true);
    expect(await refusal(client(here.bed).sendMail({ from: "alice@member.test", to: "b@a.test" }))).toMatch(
      /revoked/,
    );
  });
});

describe("what a message must be", () => {
  test.each<[string, string, RegExp]>([
    ["a usual one", `${HEAD}hello\r\n.\r\n`, /^250 2\.0\.0 Queued as/],
    ["a bare LF", `${HEAD}a\nb\r\n.\r\n`, /^550 5\.6\.0 .*bare LF/],
    ["a bare CR", `${HEAD}a\rb\r\n.\r\n`, /^550 5\.6\.0 .*CR/],
    ["a NUL", `${HEAD}a\0b\r\n.\r\n`, /^550 5\.6\.0 .*NUL/],
    ["a long line", `${HEAD}${"x".repeat(999)}\r\n.\r\n`, /^550 5\.6\.0 .*998/],
    [
      "a large header",
      `${HEAD.slice(0, -2)}${"X: y\r\n".repeat(12_000)}\r\n\r\n.\r\n`,
      /^550 5\.6\.0 .*header/,
    ],
    ["two From", `From: a@member.test\r\n${HEAD}x\r\n.\r\n`, /^550 5\.6\.0 .*more than one from/],
    ["no From", "Subject: x\r\n\r\nx\r\n.\r\n", /^550 5\.6\.0 .*no From/],
  ])("%s", async (_name, message, reply) => {
    expect(await submit(message)).toMatch(reply);
    expect(await here.bed.spool.openCount()).toBe(reply.source.startsWith("^250") ? 1 : 0);
  });

  // https://sec-consult.com/blog/detail/smtp-smuggling-spoofing-e-mails-worldwide/
  test.each([
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\r\r\n.\r\r\n",
    "\r\n\0.\r\n",
    "\r\n.\r\r\n",
    "\n\n.\r\n",
  ])("nobody smuggles a second message behind %j", async (end) => {
    const { say, reply, socket } = await here.loggedIn();
    await say("MAIL FROM:<alice@member.test>\r\n");
    await say("RCPT TO:<bob@a.test>\r\n");
    await say("DATA\r\n");
    const second = `MAIL FROM:<ceo@member.test>\r\nRCPT TO:<x@a.test>\r\nDATA\r\n${HEAD}b`;
    const whole = `${HEAD}a${end}${second}\r\n.\r\n`;
    // In two pieces, cut within the sequence.
    const cut = HEAD.length + 2;
    socket.write(whole.slice(0, cut), "latin1");
    expect(await say(whole.slice(cut))).toMatch(/^550 5\.6\.0 .*\[malformed\]$/);
    expect(await say("NOOP\r\n")).toMatch(/^250/);
    socket.end();
    expect(await reply()).toBe("closed");
    expect(await here.bed.spool.openCount()).toBe(0);
  });

  test("its size has a limit, said and sent", async () => {
    expect(await submit("", "MAIL FROM:<alice@member.test> SIZE=30000000\r\n")).toMatch(/^552/);
    expect(await submit(`${HEAD}${"0123456789abcdef\r\n".repeat(1_500_000)}.\r\n`)).toMatch(/^552 5\.3\.4/);
  });

  test("its return path is the member's", async () => {
    expect(await submit("", "MAIL FROM:<>\r\n")).toMatch(/^550 5\.7\.1/);
    expect(await submit("", "MAIL FROM:<a@evil.test>\r\n")).toMatch(/^550 5\.7\.1/);
  });

  test("its recipients are addresses, and a hundred at most", async () => {
    await here.bed.book.apply({ ...member, version: 2, tier: "trusted" });
    const { say } = await here.loggedIn();
    await say("MAIL FROM:<alice@member.test>\r\n");
    expect(await say("RCPT TO:<bob@[300.0.0.1]>\r\n")).toMatch(/^501 5\.1\.3 .*\[malformed\]$/);
    expect(await say("RCPT TO:<bob@localhost>\r\n")).toMatch(/^553 5\.1\.3/);
    for (let n = 0; n < 100; n++) expect(await say(`RCPT TO:<r${n}@a.test>\r\n`)).toMatch(/^250/);
    expect(await say("RCPT TO:<one.more@a.test>\r\n")).toMatch(/^452 4\.5\.3 Too many recipients; 100/);
  });
});

test("a message that comes slowly holds up nobody, and ends in time", async () => {
  await here.restart({ dataMs: 800 });
  const { say, reply, socket } = await here.loggedIn();
  await say("MAIL FROM:<alice@member.test>\r\n");
  await say("RCPT TO:<bob@a.test>\r\n");
  await say("DATA\r\n");
  socket.write(`${HEAD}never`);
  expect(await submit(`${HEAD}quick\r\n.\r\n`)).toMatch(/^250/);
  expect(await reply()).toMatch(/^421 4\.4\.2|closed/);
  expect(await here.bed.spool.openCount()).toBe(1);
});

test("a flood of refusals is told in a few events", async () => {
  const { say } = await here.loggedIn();
  for (let n = 0; n < 50; n++) expect(await say("MAIL FROM:<a@evil.test>\r\n")).toMatch(/^550/);
  here.bed.clock.advance(600_000);
  await say("MAIL FROM:<a@evil.test>\r\n");
  await expect.poll(async () => (await told(here.bed)).length).toBe(6);
  expect((await told(here.bed)).at(-1)?.data.data.detail).toEqual({
    stage: "mail",
    reason: "foreign-domain",
    code: 550,
    also: 45,
  });
});

test("a message that breaks off in the middle was never there", async () => {
  const { say, socket } = await here.loggedIn();
  await say("MAIL FROM:<alice@member.test>\r\n");
  await say("RCPT TO:<bob@a.test>\r\n");
  await say("DATA\r\n");
  socket.write(`${HEAD}half of it\r\n`, () => socket.destroy());
  expect(await submit(`${HEAD}whole\r\n.\r\n`)).toMatch(/^250/);
  expect(await here.bed.spool.openCount()).toBe(1);
});

describe("when it cannot be stored", () => {
  test("a full disk answers 452, and what was taken from the limits comes back", async () => {
    await here.restart({ maxPages: 60 });
    const full: string[] = [];
    for (let n = 0; n < 40 && full.length < 3; n++) {
      const reply = await submit(`${HEAD}${"0123456789abcdef\r\n".repeat(2_000)}.\r\n`);
      if (!reply.startsWith("250")) full.push(reply);
    }
    expect(full).toEqual(
      Array.from({ length: 3 }, () => "452 4.3.1 No room in the spool, try again later [disk-full]"),
    );
    const used = here.bed.book.limits(member.did, here.bed.clock.now()).hour! - here.bed.clock.now();
    expect(Math.round(used / 60_000)).toBe(await here.bed.spool.openCount());
  });
});
