import { describe, expect, test } from "vitest";
import type { ToldSuppression } from "./types.ts";
import { suppressionWords, verdictOf } from "./verdict.ts";

const ADA = "did:plc:ada";
const own = { did: ADA, streams: "all" as const, exempt: false };
const ownBulk = { ...own, streams: "bulk" as const };
const pool = { did: null, streams: "all" as const, exempt: false };
const passes = { ...own, exempt: true };

test.each<[string, (typeof own | typeof ownBulk | typeof pool)[], string | undefined, unknown]>([
  ["nothing is known", [], "bulk", undefined],
  ["the member's own", [own], "transactional", own],
  ["before the pool's", [pool, own], undefined, own],
  ["the pool's", [pool], undefined, pool],
  ["the pool's, which the member passes", [pool, passes], "transactional", undefined],
  ["its own binds although it passes the pool's", [pool, passes, own], "bulk", own],
  ["unsubscribed, bulk", [ownBulk], "bulk", ownBulk],
  ["unsubscribed, a login code", [ownBulk], "transactional", undefined],
  ["unsubscribed, not known yet what it is", [ownBulk], undefined, undefined],
])("%s", (_name, entries, stream, expected) => expect(verdictOf(entries, stream)).toBe(expected));

describe("the words of the reply", () => {
  const entry: ToldSuppression = {
    ...own,
    id: 1,
    key: "k",
    domain: "bigmail.test",
    reason: "bad-mailbox",
    createdAt: Date.UTC(2026, 0, 1),
    expiresAt: Date.UTC(2026, 0, 15),
    version: 1,
    words: "550 5.1.1 no\r\n250 ok \u00fc",
    open: true,
  };
  const link = `https://coop.example/members/${ADA}/suppressions`;

  test("why, what was said, since when, until when, and where to release it, in one line of ASCII", () =>
    expect(suppressionWords(entry, link)).toBe(
      `Not sent: there is no such mailbox (550 5.1.1 no 250 ok ); nothing goes there since 2026-01-01, until 2026-01-15 or until it is released. Release it at ${link}`,
    ));

  test("of the pool's nothing that others said, nor since when they know", () =>
    expect(suppressionWords({ ...entry, did: null, words: "" }, link)).toBe(
      `Not sent: there is no such mailbox, on the list of the whole pool; nothing goes there, until 2026-01-15 or until it is released. Release it at ${link}`,
    ));

  test.each([0, 50, 150, 400])("%i characters of the other side never cut the link", (length) => {
    const text = suppressionWords({ ...entry, words: "x".repeat(length) }, link);
    expect(text.endsWith(link)).toBe(true);
    expect(text.length).toBeLessThanOrEqual(400);
  });
});
