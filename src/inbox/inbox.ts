import { createHash } from "node:crypto";
import type { Database } from "../platform/database.ts";
import { createAbuse } from "./abuse.ts";
import { line, readForPeople } from "./read.ts";
import type {
  AnswerRequest,
  EntryDetail,
  EntryRequest,
  EntryState,
  EntryView,
  Folder,
  NewEntry,
} from "./types.ts";

export type InboxOptions = {
  db: Database;
  /** Open entries in the folder `inbox`; with more, mail is put off. */
  maxOpen?: number;
  /** Open reports of abuse; with more, none is taken. */
  maxReports?: number;
  /** Entries in each of the other folders; with more, the oldest goes. */
  maxAside?: number;
  /** Octets of all mail that is kept. */
  maxBytes?: number;
};

export type Kept = { outcome: "kept" | "known"; id: number } | { outcome: "full" };

export type InboxFilter = { folder?: Folder | undefined; state?: EntryState | undefined };

const MAX_OPEN = 1_000;
const MAX_REPORTS = 500;
const MAX_ASIDE = 500;
const MAX_BYTES = 256 * 1024 * 1024;
const DAY_MS = 86_400_000;
const DONE_DAYS = 90;
const ASIDE_DAYS = 30;

/** From these nothing goes before a person has decided. */
const WAITING = "('inbox', 'abuse')";

const COLUMNS = `e.id, e.at, e.folder, e.kind, e.sent_to AS "to", e.envelope_from AS mailFrom, e.header_from AS "from",
  e.subject, e.size, e.why, e.authentication, e.forward, e.state, e.assigned`;

export type Inbox = ReturnType<typeof createInbox>;

/** The committee's inbox: mail to role addresses, and what came back and matches nothing. */
export function createInbox({
  db,
  maxOpen = MAX_OPEN,
  maxReports = MAX_REPORTS,
  maxAside = MAX_ASIDE,
  maxBytes = MAX_BYTES,
}: InboxOptions) {
  const abuse = createAbuse(db);
  const most = new Map<Folder, number>([
    ["inbox", maxOpen],
    ["abuse", maxReports],
  ]);
  let bytes = db.get<{ n: number | null }>("SELECT sum(size) AS n FROM inbox_entry")?.n ?? 0;

  const count = (folder: Folder, state?: EntryState) =>
    db.get<{ n: number }>(
      "SELECT count(*) AS n FROM inbox_entry WHERE folder = ? AND (? IS NULL OR state = ?)",
      folder,
      state ?? null,
      state ?? null,
    )!.n;

  function remove(rows: readonly { id: number; size: number }[]): void {
    for (const { id, size } of rows) {
      db.run("DELETE FROM inbox_entry WHERE id = ?", id);
      bytes -= size;
    }
  }

  /** Makes room for `size` octets by what is least missed: what is aside, then what is done. False: there is none. */
  function makeRoom(size: number): boolean {
    while (bytes + size > maxBytes) {
      const oldest = db.get<{ id: number; size: number }>(
        `SELECT id, size FROM inbox_entry WHERE folder NOT IN ${WAITING} OR state = 'done'
         ORDER BY folder IN ${WAITING}, id LIMIT 1`,
      );
      if (!oldest) return false;
      remove([oldest]);
    }
    return true;
  }

  const trace = (id: number, at: number, by: string, what: string, note: string) =>
    void db.run(
      "INSERT INTO inbox_trace (entry, at, by, what, note) VALUES (?, ?, ?, ?, ?)",
      id,
      at,
      by,
      what,
      note,
    );
  const byId = (id: number) => db.get<EntryView>(`SELECT ${COLUMNS} FROM inbox_entry e WHERE e.id = ?`, id);

  return {
    /** On disk when it resolves. The same mail to the same address is kept once. */
    async keep(entry: NewEntry): Promise<Kept> {
      const { raw, folder, kind, to, mailFrom, why, authentication, forward, at } = entry;
      const digest = createHash("sha256").update(`${to.toLowerCase()}\n`).update(raw).digest("base64url");
      const { from, subject } = await readForPeople(raw);
      return db.transaction(() => {
        const known = db.get<{ id: number }>("SELECT id FROM inbox_entry WHERE digest = ?", digest);
        const same = known?.id ?? (entry.abuse && abuse.known(entry.abuse.reference));
        if (same !== undefined) return { outcome: "known" as const, id: same };
        const waiting = most.get(folder);
        if (waiting !== undefined && count(folder, "open") >= waiting) return { outcome: "full" as const };
        if (!makeRoom(raw.length)) return { outcome: "full" as const };
        const { lastInsertRowid: id } = db.run(
          `INSERT INTO inbox_entry (at, digest, folder, kind, sent_to, envelope_from, header_from, subject, size, why,
             authentication, forward) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          at,
          digest,
          folder,
          kind,
          line(to),
          line(mailFrom),
          from,
          subject,
          raw.length,
          why,
          authentication,
          forward,
        );
        db.run("INSERT INTO inbox_raw (id, raw) VALUES (?, ?)", id, raw);
        bytes += raw.length;
        if (entry.abuse) abuse.put(id, entry.abuse);
        if (waiting === undefined)
          remove(
            db.all<{ id: number; size: number }>(
              "SELECT id, size FROM inbox_entry WHERE folder = ? ORDER BY id DESC LIMIT -1 OFFSET ?",
              folder,
              maxAside,
            ),
          );
        return { outcome: "kept" as const, id };
      });
    },

    /** Newest first; `before` is the id of the last one of the page before. */
    list(
      { folder, state }: InboxFilter,
      page: { before?: number | undefined; limit?: number } = {},
    ): EntryView[] {
      return db.all<EntryView>(
        `SELECT ${COLUMNS} FROM inbox_entry e
         WHERE (?1 IS NULL OR e.folder = ?1) AND (?2 IS NULL OR e.state = ?2) AND e.id < ?3
         ORDER BY e.id DESC LIMIT ?4`,
        folder ?? null,
        state ?? null,
        page.before ?? Number.MAX_SAFE_INTEGER,
        Math.min(page.limit ?? 50, 500),
      );
    },

    /** Open entries of each folder. */
    counts: (): Record<Folder, number> => ({
      inbox: count("inbox", "open"),
      abuse: count("abuse", "open"),
      machine: count("machine", "open"),
      spam: count("spam", "open"),
    }),

    async show(id: number): Promise<EntryDetail | undefined> {
      const entry = byId(id);
      const stored = db.get<{ raw: Uint8Array }>("SELECT raw FROM inbox_raw WHERE id = ?", id);
      if (!entry || !stored) return undefined;
      const traces = db.all<EntryDetail["traces"][number]>(
        "SELECT at, by, what, note FROM inbox_trace WHERE entry = ? ORDER BY seq LIMIT 200",
        id,
      );
      const read = await readForPeople(stored.raw);
      // A report that was made on the page is from ourselves unless it names an address.
      const replyTo = read.replyTo === entry.to ? null : read.replyTo;
      return { ...read, ...entry, replyTo, abuse: abuse.of(id), traces };
    },

    /** The mail as it came. */
    raw: (id: number): Uint8Array | undefined =>
      db.get<{ raw: Uint8Array }>("SELECT raw FROM inbox_raw WHERE id = ?", id)?.raw,

    /** What a person does; undefined: there is no such entry. */
    act(id: number, { action, by, note, to = "", at }: EntryRequest): EntryView | undefined {
      return db.transaction(() => {
        if (!byId(id)) return undefined;
        const set = {
          done: () => db.run("UPDATE inbox_entry SET state = 'done', decided_at = ? WHERE id = ?", at, id),
          reopen: () => db.run("UPDATE inbox_entry SET state = 'open', decided_at = NULL WHERE id = ?", id),
          assign: () => db.run("UPDATE inbox_entry SET assigned = ? WHERE id = ?", to === "" ? null : to, id),
          spam: () => db.run("UPDATE inbox_entry SET folder = 'spam' WHERE id = ?", id),
          "not-spam": () =>
            db.run(
              `UPDATE inbox_entry SET folder = iif(kind = 'abuse-report', 'abuse', 'inbox'), state = 'open'
               WHERE id = ?`,
              id,
            ),
        };
        set[action]();
        trace(id, at, by, action === "assign" ? `assigned to ${to || "nobody"}` : action, note);
        return byId(id);
      });
    },

    /** What became of an abuse report, for whoever reported it. Undefined: there is no such report. */
    answer(id: number, { by, ...answer }: AnswerRequest): EntryView | undefined {
      return db.transaction(() => {
        if (!abuse.answer(id, answer)) return undefined;
        const state: EntryState = answer.outcome === "need-more" ? "open" : "done";
        db.run(
          "UPDATE inbox_entry SET state = ?, decided_at = ? WHERE id = ?",
          state,
          state === "done" ? answer.at : null,
          id,
        );
        trace(id, answer.at, by, `answered: ${answer.outcome}`, answer.words);
        return byId(id);
      });
    },

    /** What whoever has the reference of a report may see. */
    abuseStatus: abuse.status,

    /** Forgets what was done 90 days ago, and what is aside after 30. Returns how many. */
    prune(now: number): number {
      return db.transaction(() => {
        const old = db.all<{ id: number; size: number }>(
          `SELECT id, size FROM inbox_entry
           WHERE (state = 'done' AND decided_at < ?) OR (folder NOT IN ${WAITING} AND at < ?) LIMIT 1000`,
          now - DONE_DAYS * DAY_MS,
          now - ASIDE_DAYS * DAY_MS,
        );
        remove(old);
        return old.length;
      });
    },
  };
}
