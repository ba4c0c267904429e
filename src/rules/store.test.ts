import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Envelope } from "../event/index.ts";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createRuleStore, createVerdictLog, RulesError, verdictMigration } from "./index.ts";

const NOW = Date.UTC(2027, 2, 1);
const rule = (least: number) =>
  `_n: Optional[int] = JsonData(path="$.n", required=False)
N: int = ResolveOptional(optional_value=_n, default_value=0)
Many = Rule(when_all=[GetActionName() == "recipient_bounced", N >= ${least}], description=f"{N} is many")
`;

let dir: string;
let db: Database;
let clock: MovableClock;
beforeEach(async () => {
  clock = new MovableClock(NOW);
  dir = await mkdtemp(join(tmpdir(), "rule-store-"));
  db = new Database(":memory:", [verdictMigration]);
});
afterEach(async () => {
  db.close();
  await rm(dir, { recursive: true });
});

const write = (text: string) => writeFile(join(dir, "main.sml"), text);
const newStore = (metrics = createMetrics()) => createRuleStore({ db, log: silentLog, metrics, clock });
const event = (id: number, n: unknown, at = NOW) =>
  ({
    send_time: new Date(at).toISOString(),
    data: { action_id: String(id), action_name: "recipient_bounced", data: { dedupe_key: `${id}`, n } },
  }) as unknown as Envelope;
const fired = (store: ReturnType<typeof newStore>, id: number, n: unknown, at?: number) =>
  store.engine.evaluate(event(id, n, at)).verdicts.map((one) => one.rule);

test("without any good set a bad directory is no start", async () => {
  await write("A = = 1\n");
  await expect(newStore().open(dir)).rejects.toThrow(RulesError);
});

test("a bad directory: the last good rules stay, over a reload and over a start, and it is said", async () => {
  await write(rule(3));
  const metrics = createMetrics();
  const store = newStore(metrics);
  await store.open(dir);
  const { hash } = store.status();
  expect(store.status()).toMatchObject({ directory: dir, rules: 1, refused: null, failures: [] });

  await write("A = = 1\n");
  const answer = await store.reload();
  expect(answer).toMatchObject({ ok: false, changed: false });
  expect(answer.message).toMatch(/main\.sml:1:5:/);
  expect(store.status()).toMatchObject({ hash, refused: { directory: dir, at: NOW } });
  expect((await metrics.rulesRefused.get()).values[0]!.value).toBe(1);
  expect(fired(store, 1, 3)).toEqual(["Many"]);

  // What was good had come from elsewhere: what is read again is still the directory that is configured.
  db.run("UPDATE rule_set SET directory = '/elsewhere'");
  const again = newStore();
  await again.open(dir);
  expect(again.status()).toMatchObject({ hash, directory: "/elsewhere", refused: { directory: dir } });
  expect(fired(again, 2, 3)).toEqual(["Many"]);

  await write(rule(4));
  expect(await again.reload()).toMatchObject({ ok: true, changed: true });
  expect(again.status().refused).toBeNull();
  expect(fired(again, 3, 3)).toEqual([]);
  clock.set(NOW + 1);
  expect(await again.reload()).toMatchObject({ ok: true, changed: false });
  expect(again.status()).toMatchObject({ directory: dir, since: NOW });
});

test("an event is explained by the rules that judged it, fired or not, after they changed", async () => {
  const store = newStore();
  await write(rule(3));
  await store.open(dir);
  fired(store, 1, 3);
  fired(store, 2, 2);
  await write(rule(9));
  await store.reload();
  const [one, two] = ["1", "2"].map((id) => store.explain(id)!);
  expect(one!.envelope).toEqual(event(1, 3));
  expect(one!.result.trace).toMatchObject([{ name: "Many", fired: true, features: { N: 3 } }]);
  expect(two!.result.trace[0]!.conditions.map(({ value }) => value)).toEqual([true, false]);
  expect(store.explain("99")).toBeUndefined();
});

test("where no rule fired an event is dropped apart; where one did, it is kept", async () => {
  const store = newStore();
  await write(rule(3));
  await store.open(dir);
  fired(store, 1, 3);
  fired(store, 2, 0);
  fired(store, 3, 0, NOW + 31 * DAY_MS);
  expect(createVerdictLog(db).pruneSilent(NOW + 30 * DAY_MS, 10)).toBe(1);
  expect(["1", "2", "3"].map((id) => store.explain(id) !== undefined)).toEqual([true, false, true]);
});

test("a rule that fails, or takes too much work, is counted and shown; others are unaffected", async () => {
  const slow = Array.from({ length: 18 }, (_, i) => `_s${i + 1} = _s${i} + _s${i}`).join("\n");
  await write(`${rule(3)}Text: str = JsonData(path="$.n")
Number: int = JsonData(path="$.missing")
Bad = Rule(when_all=[Number > 3], description="bad")
_s0 = f"{Text}{Text}{Text}{Text}{Text}{Text}{Text}{Text}"
${slow}
Slow = Rule(when_all=["x" in _s18], description="slow")
`);
  const metrics = createMetrics();
  const store = newStore(metrics);
  await store.open(dir);
  expect(fired(store, 1, 3)).toEqual(["Many"]);
  expect(fired(store, 2, 3)).toEqual(["Many"]);
  const failures = store.status().failures;
  expect(failures.map(({ rule: name, count }) => [name, count])).toContainEqual(["Bad", 2]);
  expect(failures.find((one) => one.rule === "Bad")!.reason).toMatch(/main\.sml:5: /);
  const counted = (await metrics.ruleErrors.get()).values.map(({ labels, value }) => [labels.rule, value]);
  expect(counted).toContainEqual(["Bad", 2]);
  await store.reload();
  expect(store.status().failures).toEqual([]);
});
