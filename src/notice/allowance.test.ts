import { expect, test } from "vitest";
import { mailAllowance } from "./allowance.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const now = 1_767_225_600_000;
/** So many mails, each so long before the next; the latest that long before now. */
const mails = (count: number, apart: number) =>
  Array.from({ length: count }, (_, i) => now - (i + 1) * apart);

test.each<[string, number[], ReturnType<typeof mailAllowance>]>([
  ["the first", [], "mail"],
  ["the third of a day", mails(2, HOUR), "mail"],
  ["the fourth of a day says that it is the last", mails(3, HOUR), "last"],
  ["the fifth of a day", mails(4, HOUR), "too-many"],
  ["four, the first of them a day ago", [...mails(3, HOUR), now - DAY], "last"],
  ["one a day, for nineteen days", mails(19, DAY), "last"],
  ["one a day, for twenty days", mails(20, DAY), "too-many"],
  ["twenty, the first of them thirty days ago", [...mails(19, DAY), now - 30 * DAY], "last"],
  ["a clock that was set back", [now + HOUR], "mail"],
])("%s", (_, earlier, expected) => {
  expect(mailAllowance(earlier, now)).toBe(expected);
});

test("ten pauses in a day, each ended by the committee: four mails", () => {
  const sent: number[] = [];
  for (let i = 0; i < 20; i++) {
    const at = now + i * HOUR;
    if (mailAllowance(sent, at) !== "too-many") sent.push(at);
  }
  expect(sent).toHaveLength(4);
});
