import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { explainAction } from "../../src/cli/rules/explain.ts";
import { list, reload, status } from "../../src/cli/rules/running.ts";
import { runCommand } from "../run-command.ts";
import { DAY, HOUR, missing, openAgain, SHIPPED_RULES, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch] = ["alder.test", "birch.test"] as const;
const EARLY = "BounceEarlyWarning";
let here: RulesSandbox;
let rulesDir: string;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), "atmos-rules-"));
  rulesDir = join(dir, "rules");
  cpSync(SHIPPED_RULES, rulesDir, { recursive: true });
  here = await openAgain(dir, [alder, birch], rulesDir);
});
afterAll(() => here.close());

const verdicts = (domain: string, rule: string) =>
  here.core.verdicts.after(0, 0, 1_000).filter((one) => one.did === here.didOf(domain) && one.rule === rule);
const env = () => join(here.dir, "atmos.env");

/** Dead addresses, seven hours apart, so that no breaker speaks before a rule does. */
async function bounceUntil(isSo: () => boolean, domain: string): Promise<number> {
  for (let count = 1; count <= 10; count++) {
    here.clock.advance(7 * HOUR);
    const [reply] = await here.send(domain, [`bounce${here.clock.now()}@bigmail.test`]);
    expect(reply).toMatch(/^250/);
    await here.settle();
    if (isSo()) return count;
  }
  throw new Error(`${domain} is ${here.standing(domain)} after ten bounces`);
}

/** All that could follow for a member, and be seen by anybody. */
async function booksOf(domain: string) {
  const did = here.didOf(domain);
  const { version: _, ...policy } = here.relay.policyBook.byDid(did)!;
  return {
    standing: here.core.standings.state(did),
    changes: here.core.standings.changesOf(did),
    notes: here.core.standings.notes.list(did),
    cases: here.core.cases.list("all", 10, did),
    pauses: here.core.pauses.of(did, 10),
    holds: here.core.standings.holds(),
    mails: here.received(`admin@${domain}`),
    policy,
    labels: await here.publicLabels(domain),
    listed: await here.listed(domain),
  };
}

test("what a rule in shadow says is recorded with what it would have given, and nothing follows", async () => {
  const before = await booksOf(alder);
  await bounceUntil(() => verdicts(alder, EARLY).length > 0, alder);
  await here.pass(DAY, HOUR);
  expect(await booksOf(alder)).toEqual(before);
  expect(await here.page(alder)).not.toContain(EARLY);
  expect((await here.send(alder, ["ada@bigmail.test"]))[0]).toMatch(/^250/);

  const [verdict, ...more] = verdicts(alder, EARLY);
  expect(more).toEqual([]);
  expect(verdict).toMatchObject({
    shadow: true,
    labels: [],
    wouldLabels: [expect.stringContaining("bounce-warning")],
  });
  expect(verdict!.description).toMatch(/^6 of the last 6 recipients do not exist.* 95.0 %\.$/);
  const explained = await runCommand(() => explainAction(verdict!.actionId, { env: env() }));
  const did = here.didOf(alder);
  expect(
    missing(explained.text, [
      "in shadow: nothing followed",
      `would give: Member/${did}/bounce-warning`,
      `Recorded then: ${EARLY} (shadow)`,
      "The standing did not change.",
    ]),
  ).toEqual([]);
  expect((await runCommand(() => status({ env: env() }))).text).toContain(`In shadow: ${EARLY}.`);
  expect((await runCommand(() => list({ env: env() }))).text).toMatch(
    new RegExp(`${EARLY} \\(shadow\\): fired 1 time in 30 days, at 1 member,`),
  );
  expect(here.core.digest.facts(verdict!.at + HOUR).rules).toEqual([
    expect.stringMatching(new RegExp(`^${EARLY} \\(in shadow\\) held (once|1 times?), for 1 member$`)),
  ]);
}, 60_000);

test("the rule beside it, which is in force, does what it does without it", async () => {
  await bounceUntil(() => here.standing(alder) !== "good", alder);
  const did = here.didOf(alder);
  expect(here.core.standings.changesOf(did)).toMatchObject([{ to: "warned", rule: "BounceWarning" }]);
  expect(verdicts(alder, EARLY).length).toBeGreaterThan(verdicts(alder, "BounceWarning").length);
  await here.pass(14 * DAY + HOUR);
  expect(here.standing(alder)).toBe("good");
}, 60_000);

test("out of the shadow it acts, from the next bounce on", async () => {
  writeFileSync(join(rulesDir, "shadow.json"), '{ "rules": [], "labels": [] }');
  expect((await runCommand(() => reload({ env: env() }))).code).toBe(0);
  expect((await runCommand(() => status({ env: env() }))).text).not.toContain("In shadow");
  await here.toReachRelay(
    birch,
    ({ standing }) => standing === "warned",
    async () => expect(await bounceUntil(() => here.standing(birch) !== "good", birch)).toBe(6),
  );
  const [change] = here.core.standings.changesOf(here.didOf(birch));
  expect(change).toMatchObject({ to: "warned", rule: EARLY, cause: "bounce-warning" });
  expect(verdicts(birch, EARLY)).toMatchObject([{ shadow: false }]);
  expect(missing(await here.page(birch), [EARLY, "6 of the last 6"])).toEqual([]);
  await here.pass(14 * DAY + HOUR);
  expect(here.standing(birch)).toBe("good");
}, 60_000);
