import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createStandings, standingMigrations } from "./index.ts";
import { standingMigration } from "./store.ts";

const DAY = 24 * 3_600_000;
let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-standing-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("books of before there were cases: who was suspended by a person stays so, whom a rule suspended does not for ever", () => {
  const path = join(dir, "core.sqlite");
  const earlier = new Database(path, [{ ...standingMigration, steps: standingMigration.steps.slice(0, 2) }]);
  const put = (did: string, from: string, to: string, at: number, by: string | null, rule: string | null) => {
    earlier.run(
      `INSERT INTO standing_change
         (did, from_standing, to_standing, at, cause, rule, description, evidence, remedy, way_back, decided_by)
       VALUES (?, ?, ?, ?, 'x', ?, '', '{}', '', '', ?)`,
      did,
      from,
      to,
      at,
      rule,
      by,
    );
    earlier.run("INSERT OR REPLACE INTO standing (did, standing, since) VALUES (?, ?, ?)", did, to, at);
  };
  put("did:person", "good", "suspended", 1_000, "rosa", null);
  put("did:rule", "good", "probation", 500, null, "A");
  put("did:rule", "probation", "suspended", 1_000, null, "B");
  put("did:back", "suspended", "probation", 700, "rosa", null);
  put("did:back", "probation", "warned", 1_000, null, null);
  earlier.close();

  const db = new Database(path, standingMigrations);
  const clock = new MovableClock(1_000 + 15 * DAY);
  const standings = createStandings({ db, clock, authority: "did:web:pool.test" });
  expect(standings.state("did:back")).toMatchObject({ judgedAt: 700, easedAt: 1_000 });
  const after = ["did:person", "did:rule"].map((did) => {
    standings.review(did, { eligible: 0, p_over_5: 0 });
    return standings.state(did).standing;
  });
  db.close();
  expect(after).toEqual(["suspended", "probation"]);
});
