import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import {
  CONTACT_MS,
  FIRST_CONTACT,
  FORGIVEN_MS,
  KNOWN_AFTER,
  PROBE_BUDGET,
  SLOWED_HOURLY,
  NEWCOMER_SETTLE_MS,
  SETTLE_MS,
} from "../breaker/index.ts";
import { MOST_BY_STRANGERS, MOST_MAILS, NOTICE_LIFETIME_MS } from "../notice/index.ts";
import { TIER_LIMITS, tierBound } from "./limits.ts";
import { OUTCOMES } from "./outcomes.ts";
import { DAY, HOUR } from "./policy.fixture.ts";
import { TIERS } from "./types.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/policy.md"), "utf8");
const number = (n: number) => n.toLocaleString("en-US");

/** The rows of the table that follows a mark, without the padding of the formatter. */
function tableAfter(mark: string): string[][] {
  const rest = page.slice(page.indexOf(`<!-- ${mark}`));
  const lines = rest.split("\n").slice(1);
  const start = lines.findIndex((line) => line.startsWith("|"));
  const rows = lines.slice(start);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith("|")),
    )
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((_, i) => i !== 1);
}

test("docs/policy.md has every outcome with its code and meaning", () => {
  expect(tableAfter("outcomes")).toEqual([
    ["Name", "Reply", "Meaning"],
    ...Object.entries(OUTCOMES).map(([name, { code, enhanced, meaning }]) => [
      `\`${name}\``,
      `${code} ${enhanced}`,
      meaning,
    ]),
  ]);
});

test("docs/policy.md has the limits of the tiers", () => {
  expect(tableAfter("tiers")).toEqual([
    ["Tier", "At once", "Hour", "Day"],
    ...TIERS.map((tier) => {
      const { burst, hour, day } = TIER_LIMITS[tier];
      return [
        tier,
        `${burst.limit} in ${burst.periodMs / 60_000} minutes`,
        number(hour.limit),
        number(day.limit),
      ];
    }),
  ]);
});

test("docs/policy.md says what is left to a thief", () => {
  const both = (tier: (typeof TIERS)[number], ms: number) =>
    [true, false]
      .map((fewNew) => number(tierBound(tier, ms, { firstTime: true, fewNew })))
      .filter((text, i, all) => all.indexOf(text) === i)
      .join(" to ");
  const all = (tier: (typeof TIERS)[number], ms: number) => number(tierBound(tier, ms, { firstTime: false }));
  expect(tableAfter("thief")).toEqual([
    [
      "Tier",
      "An unseen text, new recipients",
      "The member's template, new recipients: hour",
      "day",
      "any recipients: hour",
      "day",
    ],
    ...TIERS.map((tier) => [
      tier,
      String(PROBE_BUDGET),
      both(tier, HOUR),
      both(tier, DAY),
      all(tier, HOUR),
      all(tier, DAY),
    ]),
  ]);
});

test("docs/policy.md has the breaker's numbers", () => {
  const text = page.replace(/\s+/g, " ");
  expect(text).toContain(`with ${KNOWN_AFTER} deliveries to different recipients`);
  expect(text).toContain(`at most ${PROBE_BUDGET} first-time recipients`);
  expect(text).toContain(`after ${FORGIVEN_MS / DAY} days in which nothing`);
  expect(text).toContain(
    `${FIRST_CONTACT.bounces} hard bounces (address or domain does not exist) among the last ${FIRST_CONTACT.among}`,
  );
  expect(text).toContain(`get ${SLOWED_HOURLY} messages at once and then ${SLOWED_HOURLY} an hour`);
  expect(text).toContain(`as soon as ${FIRST_CONTACT.among - FIRST_CONTACT.bounces + 1} of the last`);
  expect([CONTACT_MS, SETTLE_MS, NEWCOMER_SETTLE_MS]).toEqual([6 * HOUR, DAY, HOUR / 6]);
});

test("docs/policy.md says how many mails a member gets about its pauses", () => {
  const [day, month] = MOST_MAILS;
  const text = page.replace(/\s+/g, " ");
  expect(text).toContain(
    `at most ${day.count} of these mails within ${day.withinMs / HOUR} hours, and ${month.count} within ${month.withinMs / DAY} days`,
  );
  const [dayOfStrangers, monthOfStrangers] = MOST_BY_STRANGERS;
  expect(text).toContain(
    `${dayOfStrangers.count} within ${dayOfStrangers.withinMs / HOUR} hours and ${monthOfStrangers.count} within ${monthOfStrangers.withinMs / DAY} days: the mail about a pause`,
  );
  expect(NOTICE_LIFETIME_MS).toBe(3 * DAY);
});

test("the relay names no outcome that is not in the table", () => {
  const dir = resolve(import.meta.dirname, "../relay/submission");
  const sources = readdirSync(dir).filter((file) => file.endsWith(".ts") && !file.includes(".test."));
  const names = sources.flatMap((file) =>
    [...readFileSync(resolve(dir, file), "utf8").matchAll(/(?:\brefusal\(\s*|\breason: )"([a-z-]+)"/g)].map(
      ([, name]) => name!,
    ),
  );
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !(name in OUTCOMES))).toEqual([]);
});
