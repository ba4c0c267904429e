import { eventTime, type Envelope } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";

/** Events at which no rule fired are kept for so long, so that it can be asked why; the others stay as verdicts do. */
const SILENT_KEPT_MS = 30 * DAY_MS;
const FORGOTTEN_AT_ONCE = 2;

/** An event as rules saw it: with the windows and the member as they were then. */
export type Judged = { envelope: Envelope; rulesHash: string };

export type Judgements = ReturnType<typeof createJudgements>;

export function createJudgements(db: Database) {
  return {
    /** Call in the transaction that handles the event. What is old goes as new comes. */
    keep(envelope: Envelope, rulesHash: string, fired: boolean): void {
      const at = eventTime(envelope);
      db.run(
        "INSERT OR IGNORE INTO judged (action_id, at, fired, rules_hash, envelope) VALUES (?, ?, ?, ?, ?)",
        envelope.data.action_id,
        at,
        fired ? 1 : 0,
        rulesHash,
        JSON.stringify(envelope),
      );
      db.run(
        `DELETE FROM judged WHERE action_id IN
           (SELECT action_id FROM judged WHERE fired = 0 AND at < ? ORDER BY at LIMIT ?)`,
        at - SILENT_KEPT_MS,
        FORGOTTEN_AT_ONCE,
      );
    },

    get(actionId: string): Judged | undefined {
      const row = db.get<{ envelope: string; rules_hash: string }>(
        "SELECT envelope, rules_hash FROM judged WHERE action_id = ?",
        actionId,
      );
      return row && { envelope: JSON.parse(row.envelope) as Envelope, rulesHash: row.rules_hash };
    },
  };
}
