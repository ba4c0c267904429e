import { expect, test } from "vitest";
import { createEventLog, eventLogMigration, eventMaker } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { createEvidence, evidenceMigration } from "./index.ts";

test("a count of the log that is cut short goes on where it was, and counts nothing twice", () => {
  const db = new Database(":memory:", [eventLogMigration, evidenceMigration]);
  const log = createEventLog(db);
  const make = eventMaker(
    () => Date.UTC(2026, 0, 1),
    () => "1",
  );
  const member = { did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", domain: "a.test" };
  for (let i = 0; i < 10; i++) log.append(make("recipient_deferred", { dedupe_key: `k${i}`, member }));
  const asked: number[] = [];
  const cutShort = {
    after(seq: number) {
      asked.push(seq);
      if (asked.length === 3) throw new Error("killed");
      return log.after(seq, 3);
    },
  };
  const evidence = createEvidence(db);
  expect(() => evidence.rebuild(cutShort)).toThrow("killed");
  expect(evidence.isOutdated()).toBe(true);
  const anew = createEvidence(db);
  anew.rebuild(cutShort);
  expect(asked).toEqual([0, 3, 6, 6, 9, 10]);
  expect(anew.isOutdated()).toBe(false);
  expect(anew.volumes(0)).toMatchObject([{ deferred: 10 }]);
  db.close();
});
