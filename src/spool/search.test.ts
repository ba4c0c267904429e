import { expect, test } from "vitest";
import { acceptance, attempt, everything, spools } from "./spool.fixture.ts";
import { search, type MessageFilter, type SearchSlice } from "./search.ts";
import type { Acceptance, Spool } from "./index.ts";

const { start } = spools();
const HOUR = 3_600_000;
const message = (name: string, change: Partial<Acceptance["message"]>, ...domains: string[]) => {
  const made = acceptance({ id: name, ...change }, domains);
  return { ...made, recipients: made.recipients.map((one, i) => ({ ...one, id: `${name}${i}` })) };
};

/** Six messages of ada and one of ben, an hour apart; what was asked for one of them is an outcome. */
async function filled(spool: Spool): Promise<void> {
  const mails = [
    message("one", { receivedAt: 10 * HOUR }, "a.test"),
    message("two", { receivedAt: 11 * HOUR, credential: "c2" }, "a.test", "b.test"),
    message("three", { receivedAt: 12 * HOUR, stream: "bulk", priority: 2 }, "b.test"),
    message("four", { receivedAt: 13 * HOUR, fromDomain: "other.test" }, "c.test"),
    message("five", { receivedAt: 14 * HOUR, did: "did:plc:ben" }, "a.test"),
    message("six", { receivedAt: 15 * HOUR, kind: "dsn" }, "a.test"),
    message("seven", { receivedAt: 16 * HOUR }, "a.test"),
  ];
  for (const mail of mails) await spool.accept(mail);
  const { leased } = await spool.lease({ ...everything, now: 20 * HOUR });
  expect(leased.map(({ id }) => id)).toContain("one0");
  const asked = { ...attempt, provider: "google" };
  await spool.record(
    leased.map(({ id }) =>
      id === "one0"
        ? { recipientId: id, state: "delivered", nextAt: 0, attempt: asked, events: [] }
        : { recipientId: id, state: "queued", nextAt: 0, events: [] },
    ),
    20 * HOUR,
  );
}

const of = (spool: Spool, filter: MessageFilter, page?: { before?: number; limit?: number }) =>
  spool.search({ did: "did:plc:a", ...filter }, page);

test.each<[string, MessageFilter, string[]]>([
  ["nothing asked", {}, ["seven", "four", "three", "two", "one"]],
  ["another member", { did: "did:plc:ben" }, ["five"]],
  ["nobody's", { did: "did:plc:nobody" }, []],
  ["credential", { credential: "c2" }, ["two"]],
  ["from", { fromDomain: "other.test" }, ["four"]],
  ["stream", { stream: "bulk" }, ["three"]],
  ["address, in any case", { recipient: "BOB@b.test" }, ["three", "two"]],
  ["part of an address", { recipient: "ob@b.test" }, []],
  ["domain", { recipientDomain: "b.test" }, ["three", "two"]],
  ["state", { states: ["delivered"] }, ["one"]],
  ["part of a state's name", { states: ["deliver" as never] }, []],
  ["two states", { states: ["delivered", "queued"] }, ["seven", "four", "three", "two", "one"]],
  ["provider", { provider: "google" }, ["one"]],
  ["provider that was not asked", { provider: "microsoft" }, []],
  ["domain and state of one recipient", { recipientDomain: "b.test", states: ["delivered"] }, []],
  ["since", { since: 12 * HOUR }, ["seven", "four", "three"]],
  ["until, which is not in it", { until: 12 * HOUR }, ["two", "one"]],
  ["since and until", { since: 11 * HOUR, until: 13 * HOUR }, ["three", "two"]],
  ["before all", { until: 10 * HOUR }, []],
  ["after all", { since: 17 * HOUR }, []],
])("%s", async (_, filter, found) => {
  const spool = await start();
  await filled(spool);
  const { messages, next } = await of(spool, filter);
  expect(messages.map(({ id }) => id)).toEqual(found);
  expect(next).toBeNull();
});

test("of all members", async () => {
  const spool = await start();
  await filled(spool);
  const { messages } = await spool.search({ recipient: "bob@a.test" });
  expect(messages.map(({ id }) => id)).toEqual(["seven", "five", "two", "one"]);
});

test("pages follow each other without a gap, and the last one says so", async () => {
  const spool = await start();
  await filled(spool);
  const seen: string[][] = [];
  let before: number | undefined;
  do {
    const page = await of(spool, {}, { limit: 2, ...(before !== undefined && { before }) });
    seen.push(page.messages.map(({ id }) => id));
    before = page.next ?? undefined;
  } while (before !== undefined && seen.length < 9);
  expect(seen).toEqual([["seven", "four"], ["three", "two"], ["one"]]);
});

test("what was handed in before a message that came to its end sooner is found", async () => {
  const spool = await start();
  await spool.accept(message("late", { receivedAt: 10 * HOUR + 60_000 }, "a.test"));
  await spool.accept(message("early", { receivedAt: 10 * HOUR }, "a.test"));
  const { messages } = await of(spool, { since: 10 * HOUR, until: 10 * HOUR + 1_000 });
  expect(messages.map(({ id }) => id)).toEqual(["early"]);
});

test("it stops after 20,000 messages, with a place from which it goes on", async () => {
  const asked: number[] = [];
  const slice = async ({ before, scan }: { before: number; scan: number }): Promise<SearchSlice> => {
    asked.push(scan);
    return { messages: [], scanned: scan, scannedTo: Math.min(before, 1_000_000) - scan };
  };
  const first = await search(slice, { recipient: "bob@a.test" });
  expect(first).toEqual({ messages: [], scanned: 20_000, next: 980_000 });
  expect(Math.max(...asked)).toBe(400);
  expect((await search(slice, {}, { before: first.next! })).next).toBe(960_000);
});
