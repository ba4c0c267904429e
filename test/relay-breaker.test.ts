import { describe, expect, test } from "vitest";
import type { MemberPolicy } from "../src/policy/index.ts";
import { client, member, refusal, sayYes, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

const here = useRelay({ relay: { maxPerAddress: 200 } });

const code = (to: string | string[]) => ({
  from: "PDS <alice@member.test>",
  to,
  subject: "Your code",
  text: `Here is your code: ${String(Math.random()).slice(2, 8)}. It is good for fifteen minutes.`,
});

/** Hands in one message each over `connections` at once; every last reply. */
async function flood(recipients: string[], text: string, connections: number): Promise<string[]> {
  const left = [...recipients];
  const replies: string[] = [];
  const work = async () => {
    const { say } = await here.loggedIn();
    for (let to = left.shift(); to !== undefined; to = left.shift()) {
      let last = "";
      for (const line of ["MAIL FROM:<alice@member.test>", `RCPT TO:<${to}>`, "DATA"]) {
        last = await say(`${line}\r\n`);
        if (!/^[23]/.test(last)) break;
      }
      if (last.startsWith("354"))
        last = await say(`From: alice@member.test\r\nTo: ${to}\r\n${text}\r\n.\r\n`);
      else await say("RSET\r\n");
      replies.push(last);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return replies;
}

const tally = (replies: string[]) => {
  const counts: Record<string, number> = {};
  for (const reply of replies) {
    const [, name = "ok"] = /\[([a-z-]+)\]$/.exec(reply) ?? [];
    const key = `${reply.slice(0, 3)} ${name}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};

describe("a stolen credential", () => {
  const victims = Array.from({ length: 1_000 }, (_, i) => `victim${i}@d${i % 40}.test`);
  const phish = "Subject: Your account\r\n\r\nConfirm it now at https://evil.test/login or lose it.";

  test("reaches 50 of a thousand strangers at most; the rest is held, then told to come again", async () => {
    const counts = tally(await flood(victims, phish, 20));
    await here.bed.relay.settle();
    // Some of the fifty were being signed when the credential was stopped.
    const taken = (counts["250 ok"] ?? 0) + (counts["250 content"] ?? 0);
    expect([taken, counts["451 held-full"], counts["250 ok"]! <= 50]).toEqual([170, 830, true]);
    expect(here.sink.received.length).toBeLessThanOrEqual(50);
    // Hours and days change nothing.
    for (let day = 0; day < 3; day++) {
      here.bed.clock.advance(DAY);
      await here.bed.relay.settle();
    }
    expect(here.sink.received.length).toBeLessThanOrEqual(50);
    const pauses = (await told(here.bed)).filter((e) => e.data.action_name === "member_paused");
    expect(pauses).toMatchObject([
      { data: { data: { credential: "c1", detail: { cause: "content", first_time: 1 } } } },
    ]);
  }, 60_000);

  test("has no more after a restart", async () => {
    expect(tally(await flood(victims.slice(0, 60), phish, 1))).toEqual({ "250 ok": 50, "250 content": 10 });
    await here.restart();
    expect(tally(await flood(victims.slice(60, 70), phish, 1))).toEqual({ "250 content": 10 });
    await here.bed.relay.settle();
    expect(here.sink.received.length).toBeLessThanOrEqual(50);
  });

  test("is bounded by the limits of its member when it has learnt the member's own template", async () => {
    await client(here.bed).sendMail(code("bob@a.test"));
    await sayYes(here.bed);
    const mine = "Subject: x\r\n\r\nHere is your code: 123456. It is good for fifteen minutes.";
    await flood(["first@a.test"], mine, 1);
    await sayYes(here.bed, 3);
    const counts = tally(await flood(victims.slice(0, 200), mine, 10));
    expect(counts["250 ok"]).toBe(60);
    expect(Object.keys(counts).sort()).toEqual(
      ["250 ok", "250 paced", "451 over-limit", "451 spray"].filter((k) => counts[k]),
    );
    expect((counts["250 ok"] ?? 0) + (counts["250 paced"] ?? 0)).toBeLessThanOrEqual(70);
  }, 30_000);

  test("whose first contacts are not there is stopped, and a yes lets it go on", async () => {
    here.sink.replies.rcpt = Object.fromEntries(
      victims.slice(0, 5).map((address) => [address, [550, "5.1.1 User unknown"] as [number, string]]),
    );
    here.sink.replies.rcpt["slow@a.test"] = [451, "4.7.1 Later"];
    expect(tally(await flood(["slow@a.test", ...victims.slice(0, 5)], phish, 1))).toEqual({ "250 ok": 6 });
    await here.bed.relay.settle();
    await expect.poll(() => here.bed.spool.counts()).toMatchObject({ held: 1 });
    const { entries } = await here.bed.spool.list({ states: ["held"] });
    expect(entries.map((e) => [e.address, e.hold])).toEqual([
      ["slow@a.test", { reason: "first-contact", owner: "breaker" }],
    ]);
    expect(tally(await flood([victims[9]!], phish, 1))).toEqual({ "250 first-contact": 1 });
    expect((await told(here.bed)).filter((e) => e.data.action_name === "member_paused")).toMatchObject([
      { data: { data: { detail: { cause: "first-contact" } } } },
    ]);
    delete here.sink.replies.rcpt["slow@a.test"];
    await sayYes(here.bed);
    here.bed.clock.advance(DAY);
    await here.bed.relay.settle();
    expect(here.sink.received.map((m) => m.to)).toEqual(expect.arrayContaining(["slow@a.test", victims[9]]));
  });
});

describe("an honest member", () => {
  test("has 60 codes of a known template delivered within five minutes", async () => {
    for (let i = 0; i < 20; i++) await client(here.bed).sendMail(code(`old${i}@a.test`));
    await here.bed.relay.settle();
    here.bed.clock.advance(DAY + MINUTE);
    here.sink.received.length = 0;
    const to = Array.from({ length: 60 }, (_, i) => `new${i}@d${i % 7}.test`);
    const sent = await Promise.all(to.map((one) => client(here.bed).sendMail(code(one))));
    expect(tally(sent.map((s) => s.response as string))).toEqual({ "250 ok": 60 });
    for (let minute = 0; minute < 5; minute++) {
      await here.bed.relay.settle();
      here.bed.clock.advance(MINUTE);
    }
    expect(here.sink.received.map((m) => m.to).sort()).toEqual(to.toSorted());
  }, 60_000);
});

describe("limits hold", () => {
  const same = "Subject: x\r\n\r\nHello again, as every day.";

  async function known(): Promise<MemberPolicy> {
    await flood(["bob@a.test"], same, 1);
    await here.bed.relay.settle();
    return sayYes(here.bed);
  }

  test("under a hundred connections that pipeline whole messages", async () => {
    await known();
    const peersOf = await Promise.all(Array.from({ length: 100 }, () => here.loggedIn()));
    const message = `MAIL FROM:<alice@member.test>\r\nRCPT TO:<bob@a.test>\r\nDATA\r\nFrom: alice@member.test\r\n${same}\r\n.\r\n`;
    const replies = await Promise.all(
      peersOf.map(async ({ say, reply }) => {
        const seen = [await say(message + message + "QUIT\r\n")];
        for (let next = seen[0]!; next !== "closed" && !next.startsWith("221");)
          seen.push((next = await reply()));
        return seen;
      }),
    );
    const accepted = replies.flat().filter((reply) => reply.startsWith("250 2.0.0 Queued as "));
    expect(accepted).toHaveLength(70);
    expect(accepted.filter((reply) => reply.endsWith("[paced]"))).toHaveLength(10);
    expect(await here.bed.spool.openCount()).toBe(70);
  }, 60_000);

  test("through a restart", async () => {
    await known();
    expect(tally(await flood(Array<string>(75).fill("bob@a.test"), same, 5))).toEqual({
      "250 ok": 60,
      "250 paced": 10,
      "451 over-limit": 5,
    });
    await here.restart();
    expect(tally(await flood(["bob@a.test"], same, 1))).toEqual({ "451 over-limit": 1 });
  }, 30_000);
});

describe("who may not send is told why, by name", () => {
  test.each<[string, Partial<MemberPolicy>, RegExp]>([
    ["an applicant", { membership: "applicant" }, /^550 5\.7\.1 .*approval.* \[applicant\]$/],
    ["who has left", { membership: "left" }, /^550 5\.7\.1 .*left.* \[left\]$/],
    [
      "a suspended member",
      { standing: "suspended" },
      /^550 5\.7\.1 .*See https:\/\/pool\.test\/why \[suspended\]$/,
    ],
    [
      "an ejected member",
      { standing: "ejected" },
      /^550 5\.7\.1 .*See https:\/\/pool\.test\/why \[ejected\]$/,
    ],
    [
      "bulk on probation",
      { standing: "probation" },
      /^550 5\.7\.1 .*See https:\/\/pool\.test\/why \[bulk-on-probation\]$/,
    ],
    [
      "a stream that is not the credential's",
      {
        credentials: member.credentials.map((c) => ({ ...c, streams: ["transactional"] as const })) as never,
      },
      /^550 5\.7\.1 .*bulk.* \[stream\]$/,
    ],
  ])("%s", async (_name, change, reply) => {
    await here.bed.book.apply({
      ...member,
      ...change,
      version: 2,
      reason: { text: "Because.", url: "https://pool.test/why" },
    });
    const mail = { ...code("bob@a.test"), headers: { "List-Unsubscribe": "<https://member.test/u>" } };
    expect(await refusal(client(here.bed).sendMail(mail))).toMatch(reply);
    expect(await here.bed.spool.openCount()).toBe(0);
  });
});
