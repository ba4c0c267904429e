import { expect, test } from "vitest";
import { mailAllowance, type Mailed } from "./allowance.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const now = 1_767_225_600_000;
/** So many mails, each so long before the next; the latest that long before now. */
const mails = (count: number, apart: number, byStrangers = false, isBetter = false) =>
  Array.from({ length: count }, (_, i) => ({ at: now - (i + 1) * apart, byStrangers, isBetter }));

test.each<[string, Mailed[], ReturnType<typeof mailAllowance>]>([
  ["the first", [], "mail"],
  ["the third of a day", mails(2, HOUR), "mail"],
  ["the fourth of a day says that it is the last", mails(3, HOUR), "last"],
  ["the fifth of a day", mails(4, HOUR), "too-many"],
  ["four, the first of them a day ago", [...mails(3, HOUR), ...mails(1, DAY)], "last"],
  ["one a day, for nineteen days", mails(19, DAY), "last"],
  ["one a day, for twenty days", mails(20, DAY), "too-many"],
  ["twenty, the first of them thirty days ago", [...mails(19, DAY), ...mails(1, 30 * DAY)], "last"],
  ["a clock that was set back", mails(1, -HOUR), "mail"],
  ["as much as strangers can bring about", mails(5, DAY, true), "mail"],
  ["however much became better", mails(4, HOUR, false, true), "mail"],
])("%s", (_, earlier, expected) => {
  expect(mailAllowance(earlier, { at: now, byStrangers: false, isBetter: false })).toBe(expected);
});

test.each<[string, Mailed[], ReturnType<typeof mailAllowance>]>([
  ["the first", [], "mail"],
  ["the second of a day", mails(1, HOUR, true), "too-many"],
  ["one a day, for four days", mails(4, DAY, true), "mail"],
  ["one a day, for five days", mails(5, DAY, true), "too-many"],
  ["beside three others", mails(3, HOUR), "last"],
  ["beside four others", mails(4, HOUR), "too-many"],
])("of strangers: %s", (_, earlier, expected) => {
  expect(mailAllowance(earlier, { at: now, byStrangers: true, isBetter: false })).toBe(expected);
});

test("ten pauses in a day, each ended by the committee: four are told, and the end of four", () => {
  const sent: Mailed[] = [];
  for (let i = 0; i < 20; i++) {
    const mail = { at: now + i * HOUR, byStrangers: false, isBetter: i % 2 === 1 };
    if (mailAllowance(sent, mail) !== "too-many") sent.push(mail);
  }
  expect(sent.map(({ isBetter }) => isBetter)).toEqual([false, true, false, true, false, true, false, true]);
});
