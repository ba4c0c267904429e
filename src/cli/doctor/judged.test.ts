import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { ageMigration, createAges } from "../../relay/index.ts";
import { clock, judgeClock } from "./clock.ts";
import type { ProbeInput } from "./probe.ts";
import { judgeProviders } from "./providers.ts";

const NOW = Date.UTC(2026, 5, 10);
const HOUR = 3_600_000;
const gap = (hoursAgo: number, long: number) => ({
  from: NOW - (hoursAgo + long) * HOUR,
  to: NOW - hoursAgo * HOUR,
});

test.each([
  ["nothing", NOW, [], "ok", /no step/],
  ["a night", NOW, [gap(10, 8)], "ok", /1 gap in a week, the longest of 8 hours/],
  ["days", NOW, [gap(10, 8), gap(50, 72)], "warn", /2 gaps in a week, the longest of 3 days/],
  ["long ago", NOW, [gap(24 * 8, 72)], "ok", /no step/],
  ["seen later than now", NOW + 30 * HOUR, [], "fail", /30 hours behind/],
  ["seen a little later", NOW + HOUR / 2, [], "ok", /no step/],
] as const)("the clock: %s", (_what, wall, gaps, status, text) => {
  const found = judgeClock({ wall, gaps }, NOW);
  expect(found).toMatchObject({ status, text: expect.stringMatching(text) as string });
  expect(found.remedy === undefined).toBe(status === "ok");
});

test.each([
  [null, []],
  [{ broken: null, failures: 0, said: "" }, [{ status: "ok" }]],
  [{ broken: null, failures: 2, said: "ada.test: 500" }, [{ status: "ok", text: /ada\.test: 500/ }]],
  [{ broken: null, failures: 3, said: "" }, [{ status: "warn", text: /3 looks failed/ }]],
  [
    { broken: { since: NOW, why: "the grant was revoked" }, failures: 9, said: "" },
    [{ status: "warn", text: /the grant was revoked/, remedy: /atmos provider connect gmail/ }],
  ],
] as const)("a login: %o", (connection, wanted) => {
  const found = judgeProviders([{ provider: "gmail", connection }]);
  expect(found).toHaveLength(wanted.length);
  for (const [i, { status, ...words }] of wanted.entries()) {
    expect(found[i]!.status).toBe(status);
    for (const [key, text] of Object.entries(words)) expect(found[i]![key as "text"]).toMatch(text);
  }
});

test("what a relay wrote down of its clock is read back from its file, unchanged", async () => {
  const dir = mkdtempSync(join(tmpdir(), "atmos-doctor-clock-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const look = () =>
    clock({ config: { DATA_DIR: dir, ROLES: ["relay"] }, now: () => NOW } as unknown as ProbeInput);
  expect(await look()).toEqual([]);
  const db = new Database(join(dir, "delivery.sqlite"), [ageMigration]);
  const at = new MovableClock(NOW - 100 * HOUR);
  const { clockSteps } = createMetrics();
  const ages = () => createAges({ db, clock: at, log: silentLog, metrics: { clockSteps } });
  ages().note();
  at.advance(96 * HOUR);
  ages().note();
  db.close();
  expect(await look()).toMatchObject([{ status: "warn", text: expect.stringContaining("4 days") as string }]);
});
