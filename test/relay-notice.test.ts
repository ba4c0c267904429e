import { expect, test } from "vitest";
import type { NoticeWish } from "../src/notice/index.ts";
import { client, member, sayYes, signatures, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();

const wish = (facts: Partial<NoticeWish> = {}): NoticeWish => ({
  id: "abcdefghijklmnop",
  did: member.did,
  to: "ada@member.test",
  subject: "Your mail is paused",
  text: "Somebody said:\nstop\n",
  at: here.bed.clock.now(),
  ...facts,
});

/** What relay nodes told core of such mail. */
const ends = async () =>
  (await told(here.bed))
    .filter((event) => event.data.action_name === "notice_concluded")
    .map((event) => event.data.data.detail);

async function send(facts: Partial<NoticeWish> = {}) {
  const outcome = await here.bed.relay.notify(wish(facts));
  here.bed.relay.wake();
  await here.bed.relay.settle();
  return outcome;
}

test("leaves while its member is paused, as the pool's own mail, to a mailbox behind the very member", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  const waiting = await client(here.bed).sendMail({
    from: "alice@member.test",
    to: "ada@member.test",
    subject: "mine",
    text: "mine",
  });
  expect(waiting.response).toContain("[paused]");
  expect(await send()).toBe("taken");
  expect(here.sink.received).toHaveLength(1);
  const [{ from, to, raw }] = here.sink.received as [(typeof here.sink.received)[0]];
  expect([from, to]).toEqual(["", "ada@member.test"]);
  expect(raw).toMatch(/^From: Atmosphere Mail <postmaster@pool\.test>\r$/m);
  expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(raw).toMatch(/^Message-ID: <abcdefghijklmnop@pool\.test>\r$/m);
  expect(raw).toContain("\r\n\r\nSomebody said:\r\nstop\r\n");
  expect(await signatures(raw, here.bed.clock.now())).toEqual(["pool.test rsa-sha256 pass"]);
  expect(await ends()).toEqual([{ notice: "abcdefghijklmnop", outcome: "delivered", reply: "" }]);
});

test.each(["suspended", "ejected"] as const)("leaves when its member is %s", async (standing) => {
  await here.bed.book.apply({ ...member, version: 2, standing });
  await send();
  expect(here.sink.received).toHaveLength(1);
});

test("is one, however often it is told, over a restart too", async () => {
  expect([await send(), await send()]).toEqual(["taken", "known"]);
  await here.restart();
  expect(await send()).toBe("known");
  expect(here.sink.received).toHaveLength(1);
});

test("that bounces makes no further mail, and no word of the member's", async () => {
  here.sink.replies.rcpt = { "ada@member.test": [550, "5.1.1 <ada@member.test> is not here"] };
  await send();
  expect(await here.bed.spool.counts()).toEqual({ bounced: 1 });
  expect(await ends()).toEqual([
    {
      notice: "abcdefghijklmnop",
      outcome: "failed",
      reply: expect.stringMatching(/^member\.test: 550 5\.1\.1 /),
    },
  ]);
  expect(JSON.stringify(await told(here.bed))).not.toContain("ada@");
  expect((await told(here.bed)).map((event) => event.data.action_name)).toEqual(["notice_concluded"]);
});

test("of three days ago is not sent, and core is told", async () => {
  expect(await send({ at: here.bed.clock.now() - 4 * 86_400_000 })).toBe("too-late");
  expect(here.sink.received).toEqual([]);
  expect(await ends()).toMatchObject([{ outcome: "failed" }]);
});

test("with words that are not ASCII", async () => {
  await send({ text: "Grund: „unzulässig“\n" });
  const [head, body] = here.sink.received[0]!.raw.split("\r\n\r\n");
  expect(head).toContain("Content-Transfer-Encoding: base64");
  expect(Buffer.from(body!, "base64").toString("utf8")).toBe("Grund: „unzulässig“\r\n");
  expect(await signatures(here.sink.received[0]!.raw, here.bed.clock.now())).toEqual([
    "pool.test rsa-sha256 pass",
  ]);
});

test("dead addresses at a sign-up form: new people are written to slowly, nobody is stopped, core is told once", async () => {
  const code = (to: string) => ({
    from: "PDS <alice@member.test>",
    to,
    subject: "Confirm",
    text: `To confirm your account, enter ${String(Math.random()).slice(2, 8)} in the app.`,
  });
  const submit = (to: string) =>
    client(here.bed)
      .sendMail(code(to))
      .then(
        ({ response }) => response,
        (error: { response: string }) => error.response,
      );
  expect(await submit("bob@a.test")).toContain("250");
  await here.bed.relay.settle();
  await sayYes(here.bed);
  expect(await submit("bob@a.test")).toContain("250");
  const dead = Array.from({ length: 5 }, (_, i) => `dead${i}@a.test`);
  here.sink.replies.rcpt = Object.fromEntries(
    dead.map((to) => [to, [550, "5.1.1 unknown"] as [number, string]]),
  );
  for (const to of dead) expect(await submit(to)).toMatch(/^250/);
  await here.bed.relay.settle();
  // Nothing is known of the next ones yet: their hosts are busy.
  const fresh = Array.from({ length: 25 }, (_, i) => `new${i}@a.test`);
  here.sink.replies.rcpt = Object.fromEntries(
    fresh.map((to) => [to, [451, "4.7.1 later"] as [number, string]]),
  );
  const replies: string[] = [];
  for (const to of fresh) replies.push(await submit(to));
  expect(replies.filter((reply) => /Queued as \w+$/.test(reply))).toHaveLength(20);
  expect(replies.slice(20, 23).every((reply) => reply.endsWith("[paced]"))).toBe(true);
  expect(replies.at(-1)).toMatch(/^451 4\.7\.1 .*20 first-time recipients an hour.*\[dead-contacts\]$/);
  expect(await submit("bob@a.test")).toMatch(/Queued as \w+$/);
  here.sink.replies.rcpt = {};
  here.bed.clock.advance(3_600_000);
  await here.bed.relay.settle();
  const arrived = here.sink.received.map(({ to }) => to);
  expect(arrived.filter((to) => to.startsWith("new"))).toHaveLength(23);
  // They were there: it is over, long before six hours.
  for (let i = 0; i < 25; i++) expect(await submit(`late${i}@a.test`)).toMatch(/Queued as \w+$/);
  const actions = (await told(here.bed)).map((event) => event.data.action_name);
  expect(actions.filter((action) => action === "first_contacts_slowed")).toHaveLength(1);
  expect(actions).not.toContain("member_paused");
}, 30_000);
