import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY, HOUR, missing, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch] = ["alder.test", "birch.test"] as const;
const CLEAN = "clean-sender";
let here: RulesSandbox;

beforeAll(async () => {
  here = await openRules(alder, birch);
});
afterAll(() => here.close());

const isClean = async (domain: string) => (await here.publicLabels(domain)).includes(CLEAN);
const verdicts = (domain: string) =>
  here.core.verdicts
    .after(0, 0, 1_000)
    .filter((one) => one.did === here.didOf(domain) && one.rule === "CleanSender");

/** So many different people a day of good mail, and the day. */
async function goodDays(days: number, perDay: ReadonlyMap<string, number>): Promise<void> {
  for (let day = 0; day < days; day++) {
    for (const [domain, count] of perDay) {
      const replies = await here.send(
        domain,
        Array.from({ length: count }, (_, i) => `user${day}-${i}@bigmail.test`),
      );
      expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
    }
    await here.settle();
    await here.pass(DAY, 12 * HOUR);
  }
}

test("CleanSender: thirty good days with fifty recipients give a public label; with fewer of either there is none", async () => {
  await goodDays(
    29,
    new Map([
      [alder, 2],
      [birch, 1],
    ]),
  );
  expect([await isClean(alder), await isClean(birch)]).toEqual([false, false]);
  await goodDays(2, new Map([[alder, 2]]));
  expect([await isClean(alder), await isClean(birch)]).toEqual([true, false]);
  expect(verdicts(alder)[0]).toMatchObject({ shadow: false, labels: [expect.stringContaining(CLEAN)] });
  expect(verdicts(alder)[0]!.description).toMatch(/^In good standing for 30/);
  expect(verdicts(birch)).toEqual([]);
  expect(missing(await here.page(alder), [CLEAN])).toEqual([]);
  expect([here.standing(alder), here.standing(birch)]).toEqual(["good", "good"]);
}, 120_000);

test("it stays while it is renewed, and the time in which it was given is not what keeps it", async () => {
  const first = verdicts(alder).length;
  await goodDays(10, new Map([[alder, 2]]));
  expect([await isClean(alder), verdicts(alder).length > first]).toEqual([true, true]);
}, 60_000);

test("a complaint takes nothing away: it is renewed no more, and lapses within seven days; mail flows all the time", async () => {
  expect((await here.send(alder, ["spam1@bigmail.test"]))[0]).toMatch(/^250/);
  await here.settle();
  expect(here.core.standings.notes.list(here.didOf(alder))[0]!.title).toBe(
    "Somebody called mail of yours spam",
  );
  const given = verdicts(alder).length;
  await goodDays(5, new Map([[alder, 2]]));
  expect(await isClean(alder)).toBe(true);
  await goodDays(3, new Map([[alder, 2]]));
  expect([await isClean(alder), here.standing(alder), verdicts(alder).length]).toEqual([
    false,
    "good",
    given,
  ]);
  expect(await here.publicLabels(alder)).toContain("relay-member");
}, 60_000);

test("ninety days after the complaint, with fifty recipients in that time, it comes back by itself", async () => {
  await here.pass(50 * DAY);
  await goodDays(31, new Map([[alder, 2]]));
  expect(await isClean(alder)).toBe(false);
  await goodDays(2, new Map([[alder, 2]]));
  expect([await isClean(alder), await isClean(birch)]).toEqual([true, false]);
}, 120_000);
