import type { Database, Migration } from "../../platform/database.ts";
import type { Answer } from "./outcome.ts";

export const answerMigration: Migration = {
  module: "messages-api",
  steps: [
    `CREATE TABLE answer (
       credential TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
       at INTEGER NOT NULL, PRIMARY KEY (credential, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX answer_at ON answer (at);`,
  ],
};

/** Answers are given again for as long as the spool knows their keys. */
const KEPT_MS = 86_400_000;

export type Claim =
  | { is: "new"; done(answer: Answer | undefined): void }
  | { is: "again"; answer: Answer }
  | { is: "in-flight" | "other-body" };

export type Answers = {
  /** Who asks first with a key has it until `done`; an answer that is given there is given again from then on. */
  claim(credential: string, key: string, digest: string, now: number): Claim;
  prune(now: number): void;
};

/**
 * What was answered under each idempotency key. Not synced with each answer: that a message is in the spool once is the
 * spool's own doing.
 */
export function createAnswers(db: Database): Answers {
  db.exec("PRAGMA synchronous=NORMAL");
  const inFlight = new Map<string, string>();

  return {
    claim(credential, key, digest, now) {
      const name = `${credential} ${key}`;
      const claimed = inFlight.get(name);
      if (claimed !== undefined) return { is: claimed === digest ? "in-flight" : "other-body" };
      const row = db.get<{ digest: string; status: number; body: string }>(
        "SELECT digest, status, body FROM answer WHERE credential = ? AND key = ? AND at > ?",
        credential,
        key,
        now - KEPT_MS,
      );
      if (row && row.digest !== digest) return { is: "other-body" };
      if (row) {
        return {
          is: "again",
          answer: { status: row.status as Answer["status"], body: JSON.parse(row.body) },
        };
      }
      inFlight.set(name, digest);
      return {
        is: "new",
        done(answer) {
          inFlight.delete(name);
          if (!answer) return;
          db.run(
            "INSERT OR REPLACE INTO answer (credential, key, digest, status, body, at) VALUES (?, ?, ?, ?, ?, ?)",
            credential,
            key,
            digest,
            answer.status,
            JSON.stringify(answer.body),
            now,
          );
        },
      };
    },
    prune(now) {
      db.run("DELETE FROM answer WHERE at <= ?", now - KEPT_MS);
    },
  };
}
