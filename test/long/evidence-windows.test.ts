import { expect, test } from "vitest";
import { createEventLog, eventLogMigration, eventTime, type Envelope } from "../../src/event/index.ts";
import { historyOf, seeded, shuffled } from "../../src/evidence/history.fixture.ts";
import { createEvidence, evidenceMigration } from "../../src/evidence/index.ts";
import { referenceWindows } from "../../src/evidence/reference.fixture.ts";
import { DAY_MS } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";

const SEEDS = 1_000;
const AT_ONCE = 100;
/** A small history each, and few looks at it: what matters is that no two are alike. */
const SHARE = 0.15;
const PROBES = 6;

/** Which windows were looked at in all, so that none was never. */
const seen = new Map<string, number>();

function check(seed: number): void {
  const random = seeded(seed);
  const history = historyOf(random, SHARE);
  const again = shuffled(history, random).slice(0, history.length / 3);
  const told = shuffled([...history, ...again], random);
  const db = new Database(":memory:", [eventLogMigration, evidenceMigration]);
  const anew = new Database(":memory:", [evidenceMigration]);
  try {
    const [evidence, counted, log] = [createEvidence(db), createEvidence(anew), createEventLog(db)];
    db.transaction(() => {
      for (const event of told) {
        log.append(event);
        evidence.apply(event);
      }
    });
    counted.rebuild(log);
    const kinds = [...Map.groupBy(history, (event) => event.data.action_name).values()];
    for (let i = 0; i < PROBES; i++) {
      const kind = kinds[Math.floor(random() * kinds.length)]!;
      const event = kind[Math.floor(random() * kind.length)]!;
      const shift = random() < 0.5 ? 0 : Math.floor((random() - 0.5) * 20 * DAY_MS);
      const at = new Date(eventTime(event) + shift).toISOString();
      const about: Envelope = { ...event, send_time: at.replace(/Z$/, "000Z") };
      const expected = referenceWindows(history, about);
      for (const name of Object.keys(expected)) seen.set(name, (seen.get(name) ?? 0) + 1);
      const where = `seed ${seed}, ${about.data.action_name} at ${at}`;
      expect(evidence.windows(about), where).toEqual(expected);
      expect(counted.windows(about), `${where}, counted anew`).toEqual(expected);
    }
    expect(counted.incidents(0)).toEqual(evidence.incidents(0));
  } finally {
    db.close();
    anew.close();
  }
}

test.each(Array.from({ length: SEEDS / AT_ONCE }, (_, i) => 1_000 + i * AT_ONCE))(
  "seeds from %i: late, out of order and told twice, windows are those of the whole log",
  { timeout: 120_000 },
  (first) => {
    for (let seed = first; seed < first + AT_ONCE; seed++) check(seed);
  },
);

test("all windows were among them, each hundreds of times", () => {
  const names = ["bounce", "complaint", "complaint_90", "complaint_burst", "velocity", "credential_velocity"];
  for (const name of [...names, "breaker", "incident", "authentication", "standing", "provider"])
    expect(seen.get(name), name).toBeGreaterThan(100);
});
