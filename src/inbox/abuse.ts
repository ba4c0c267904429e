import { createHash } from "node:crypto";
import type { Database } from "../platform/database.ts";
import type {
  AbuseAnswer,
  AbuseFacts,
  AbuseKind,
  AbuseReport,
  AbuseStatus,
  EntryState,
  Folder,
} from "./types.ts";

type Row = {
  entry: number;
  kind: AbuseKind;
  domains: string;
  message: string | null;
  did: string | null;
  outcome: AbuseAnswer["outcome"] | null;
  words: string | null;
  answered_at: number | null;
};

/** Who has it may see what became of the report: people type it in upper case, and in groups. */
const hashOf = (reference: string) =>
  createHash("sha256").update(reference.toLowerCase().replace(/[\s-]/g, "")).digest("base64url");

const factsOf = ({ kind, domains, message, did, outcome, words, answered_at: at }: Row): AbuseFacts => ({
  kind,
  domains: JSON.parse(domains) as string[],
  message: message === null || did === null ? null : { id: message, did },
  answer: outcome === null || at === null ? null : { outcome, words: words ?? "", at },
});

/** Reports of abuse beside the entries that hold them. */
export function createAbuse(db: Database) {
  const byReference = (reference: string) =>
    db.get<Row>("SELECT * FROM inbox_abuse WHERE reference = ?", hashOf(reference));

  return {
    known: (reference: string): number | undefined => byReference(reference)?.entry,
    put: (entry: number, { reference, kind, domains, message }: AbuseReport) =>
      void db.run(
        "INSERT INTO inbox_abuse (entry, reference, kind, domains, message, did) VALUES (?, ?, ?, ?, ?, ?)",
        entry,
        hashOf(reference),
        kind,
        JSON.stringify(domains),
        message?.id ?? null,
        message?.did ?? null,
      ),
    of(entry: number): AbuseFacts | null {
      const row = db.get<Row>("SELECT * FROM inbox_abuse WHERE entry = ?", entry);
      return row ? factsOf(row) : null;
    },
    /** False: this entry is no report. */
    answer: (entry: number, { outcome, words, at }: AbuseAnswer): boolean =>
      db.run(
        "UPDATE inbox_abuse SET outcome = ?, words = ?, answered_at = ? WHERE entry = ?",
        outcome,
        words,
        at,
        entry,
      ).changes > 0,
    /** What whoever has the reference may see; undefined: there is none such, or it is forgotten. */
    status(reference: string): AbuseStatus | undefined {
      const row = byReference(reference);
      if (!row) return undefined;
      const entry = db.get<{ at: number; state: EntryState; assigned: string | null; folder: Folder }>(
        "SELECT at, state, assigned, folder FROM inbox_entry WHERE id = ?",
        row.entry,
      )!;
      const { kind, domains, answer } = factsOf(row);
      return {
        kind,
        domains,
        answer,
        at: entry.at,
        state: entry.state,
        isTaken: entry.assigned !== null,
        isAside: entry.folder === "spam",
      };
    },
  };
}
