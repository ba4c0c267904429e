import { eventTime, type Envelope } from "../event/index.ts";
import type { Database } from "../platform/database.ts";

/** An event as rules saw it: with the windows and the member as they were then. */
export type Judged = { envelope: Envelope; rulesHash: string };

export type Judgements = ReturnType<typeof createJudgements>;

export function createJudgements(db: Database) {
  return {
    /** Call in the transaction that handles the event. It goes as verdicts do, and sooner where no rule fired. */
    keep(envelope: Envelope, rulesHash: string, fired: boolean): void {
      db.run(
        "INSERT OR IGNORE INTO judged (action_id, at, fired, rules_hash, envelope) VALUES (?, ?, ?, ?, ?)",
        envelope.data.action_id,
        eventTime(envelope),
        fired ? 1 : 0,
        rulesHash,
        JSON.stringify(envelope),
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
