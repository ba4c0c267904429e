import { describe, expect, test } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { compileSet, loadRules, readRules } from "../../rules/index.ts";
import { EVENT_WORDS } from "../../web/words.ts";
import { readable } from "../../web/fixtures/reading.fixture.ts";
import { renderPage } from "../../web/render.tsx";
import { isSpoken } from "../../web/index.ts";
import { rulesQuery } from "./rules.ts";

const NOW = Date.UTC(2026, 2, 12, 10);
const readings = readRules(compileSet(await loadRules("rules")));

function setUp() {
  const clock = new MovableClock(NOW);
  let asked = 0;
  const rules = rulesQuery({
    clock,
    store: {
      readings: () => readings,
      isInShadow: (rule) => rule === "BounceEarlyWarning",
      status: () => ({ hash: "abcdef0123456789", since: NOW - 1_000 }) as never,
    },
    verdicts: {
      countsSince: () => {
        asked++;
        return [{ rule: "BounceWarning", fired: 3, members: 1, lastAt: NOW - 5_000 }];
      },
    },
  });
  return { clock, rules, asked: () => asked };
}

test("the product's rules have words for every condition and event", () => {
  expect(readings.flatMap((rule) => rule.conditions).filter((one) => !isSpoken(one))).toEqual([]);
  expect(readings.flatMap((rule) => rule.actions).filter((action) => !(action in EVENT_WORDS))).toEqual([]);
});

describe("the page", () => {
  const text = async () => readable(String(await renderPage({ page: "rules", view: setUp().rules() }, null)));
  test.each([
    "Too many of your messages go to addresses that do not exist",
    "how sure we are that more than 5 % of the member's recipients do not exist: at least 99 %",
    "0.99 because the question is asked anew after every bounce",
    "recipients in that time: at least 50",
    "different people who called the member's mail spam in 90 days",
    "It has spoken 3 times in the whole pool, last on 12 Mar 2026",
    "It has not spoken",
    "Probation: a quarter of the limits",
    "The member is warned",
    "Nothing follows: it is recorded",
    "17 rules that act",
    "as version abcdef012345",
  ])("says: %s", async (words) => expect((await text()).replaceAll("\u00a0", " ")).toContain(words));

  test("leaves none of the rules out, and speaks no code", async () => {
    const said = await text();
    for (const { name } of readings) expect(said).toContain(name);
    expect(said).not.toMatch(/ActionName|when_all|>=|undefined|NaN/);
  });
});

test("who asks often costs no more: the books are counted once a minute", () => {
  const { clock, rules, asked } = setUp();
  rules();
  rules();
  expect(asked()).toBe(1);
  clock.advance(61_000);
  rules();
  expect(asked()).toBe(2);
});
