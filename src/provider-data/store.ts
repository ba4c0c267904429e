import type { Database, Migration } from "../platform/database.ts";
import {
  CONNECTED,
  type Compliance,
  type ConnectedProvider,
  type DayFigures,
  type Figures,
  type Provider,
  type Subject,
  type SubjectKind,
} from "./types.ts";

export const providerDataMigration: Migration = {
  module: "provider-data",
  steps: [
    `CREATE TABLE provider_connection (
       provider TEXT PRIMARY KEY, way TEXT NOT NULL, sealed TEXT NOT NULL, by TEXT NOT NULL, connected_at INTEGER NOT NULL,
       broken_since INTEGER, broken_why TEXT, tried_at INTEGER, fetched_at INTEGER, next_at INTEGER NOT NULL,
       failures INTEGER NOT NULL DEFAULT 0, said TEXT NOT NULL DEFAULT ''
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE provider_subject (
       provider TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, seen_at INTEGER NOT NULL,
       compliance TEXT, compliance_at INTEGER, PRIMARY KEY (provider, kind, subject)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE provider_day (
       provider TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, day TEXT NOT NULL, figures TEXT NOT NULL,
       revision INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL,
       PRIMARY KEY (provider, kind, subject, day)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX provider_day_untold ON provider_day (told) WHERE told = 0;`,
  ],
};

/** `oauth`: by a login; `link`: by a report link of Microsoft's portal. */
export type Way = "oauth" | "link";

export type Connection = {
  provider: ConnectedProvider;
  way: Way;
  by: string;
  connectedAt: number;
  broken: { since: number; why: string } | null;
  triedAt: number | null;
  fetchedAt: number | null;
  nextAt: number;
  /** In a row. */
  failures: number;
  /** What went wrong with parts of the last look; empty: nothing. */
  said: string;
};

export type StoredDay = DayFigures & { revision: number; at: number };
export type StoredSubject = Subject & {
  seenAt: number;
  /** Null: this provider has none, or has not said. */
  compliance: Compliance[] | null;
  complianceAt: number | null;
};

type ConnectionRow = {
  provider: string;
  way: string;
  sealed: string;
  by: string;
  connected_at: number;
  broken_since: number | null;
  broken_why: string | null;
  tried_at: number | null;
  fetched_at: number | null;
  next_at: number;
  failures: number;
  said: string;
};
/** All that is kept of a connection, for putting it back. */
export type Kept = ConnectionRow;

type DayRow = {
  provider: string;
  kind: string;
  subject: string;
  day: string;
  figures: string;
  revision: number;
  at: number;
};
type SubjectRow = {
  provider: string;
  kind: string;
  subject: string;
  seen_at: number;
  compliance: string | null;
  compliance_at: number | null;
};

export type ProviderStore = ReturnType<typeof createProviderStore>;

export function createProviderStore(db: Database) {
  const rowOf = (provider: ConnectedProvider) =>
    db.get<ConnectionRow>("SELECT * FROM provider_connection WHERE provider = ?", provider);

  /** New figures, and figures that differ from those that were known, are to be told. Returns whether they are. */
  function put({ provider, kind, subject, day, figures }: DayFigures, at: number): boolean {
    // What we count ourselves the rules know from other events.
    const told = (CONNECTED as readonly string[]).includes(provider) ? 0 : 1;
    return (
      db.run(
        `INSERT INTO provider_day (provider, kind, subject, day, figures, revision, told, at) VALUES (?, ?, ?, ?, ?, 1, ?, ?)
         ON CONFLICT (provider, kind, subject, day) DO UPDATE SET
           figures = excluded.figures, revision = revision + 1, told = excluded.told, at = excluded.at
         WHERE figures <> excluded.figures`,
        provider,
        kind,
        subject,
        day,
        canonical(figures),
        told,
        at,
      ).changes > 0
    );
  }

  return {
    connect(
      provider: ConnectedProvider,
      connection: { way: Way; sealed: string; by: string; at: number },
    ): void {
      const { way, sealed, by, at } = connection;
      db.run(
        `INSERT OR REPLACE INTO provider_connection (provider, way, sealed, by, connected_at, next_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        provider,
        way,
        sealed,
        by,
        at,
        at,
      );
    },
    /** Puts back what `connect` took the place of; undefined: there was nothing. */
    restore(provider: ConnectedProvider, before: Kept | undefined): void {
      db.run("DELETE FROM provider_connection WHERE provider = ?", provider);
      if (!before) return;
      const columns = Object.keys(before);
      db.run(
        `INSERT INTO provider_connection (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
        ...Object.values(before),
      );
    },
    kept: (provider: ConnectedProvider): Kept | undefined => rowOf(provider),
    /** Figures stay. False: it was not connected. */
    disconnect: (provider: ConnectedProvider): boolean =>
      db.run("DELETE FROM provider_connection WHERE provider = ?", provider).changes > 0,
    connection: (provider: ConnectedProvider): Connection | undefined => {
      const row = rowOf(provider);
      return row && connectionOf(row);
    },
    connections: (): Connection[] =>
      db.all<ConnectionRow>("SELECT * FROM provider_connection ORDER BY provider").map(connectionOf),
    sealed: (provider: ConnectedProvider): string | undefined => rowOf(provider)?.sealed,
    /** A provider that gives a new refresh token with each use. Only where the old one still stands. */
    reseal(provider: ConnectedProvider, before: string, after: string): void {
      db.run(
        "UPDATE provider_connection SET sealed = ? WHERE provider = ? AND sealed = ?",
        after,
        provider,
        before,
      );
    },
    fetched(provider: ConnectedProvider, at: number, nextAt: number, said: string): void {
      db.run(
        `UPDATE provider_connection SET tried_at = ?, fetched_at = ?, next_at = ?, said = ?, failures = 0,
           broken_since = NULL, broken_why = NULL WHERE provider = ?`,
        at,
        at,
        nextAt,
        said,
        provider,
      );
    },
    failed(provider: ConnectedProvider, at: number, nextAt: number, why: string, broken: boolean): void {
      db.run(
        `UPDATE provider_connection SET tried_at = ?1, next_at = ?2, said = ?3, failures = failures + 1,
           broken_since = CASE WHEN ?4 THEN coalesce(broken_since, ?1) ELSE broken_since END,
           broken_why = CASE WHEN ?4 THEN ?3 ELSE broken_why END WHERE provider = ?5`,
        at,
        nextAt,
        why,
        broken ? 1 : 0,
        provider,
      );
    },

    /** All of one look, or nothing of it. Returns how many days are new or differ. */
    save(
      looked: {
        days: readonly DayFigures[];
        subjects: readonly Subject[];
        compliance?: readonly { domain: string; rows: Compliance[] }[];
      },
      provider: Provider,
      at: number,
    ): number {
      return db.transaction(() => {
        for (const { kind, subject } of looked.subjects)
          db.run(
            `INSERT INTO provider_subject (provider, kind, subject, seen_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (provider, kind, subject) DO UPDATE SET seen_at = excluded.seen_at`,
            provider,
            kind,
            subject,
            at,
          );
        for (const { domain, rows } of looked.compliance ?? [])
          db.run(
            `UPDATE provider_subject SET compliance = ?, compliance_at = ?
             WHERE provider = ? AND kind = 'domain' AND subject = ?`,
            JSON.stringify(rows),
            at,
            provider,
            domain,
          );
        return looked.days.filter((day) => put(day, at)).length;
      });
    },

    subjects: (): StoredSubject[] =>
      db.all<SubjectRow>("SELECT * FROM provider_subject ORDER BY provider, kind, subject").map((row) => ({
        ...subjectOf(row),
        seenAt: row.seen_at,
        compliance: row.compliance === null ? null : (JSON.parse(row.compliance) as Compliance[]),
        complianceAt: row.compliance_at,
      })),
    days: ({ provider, kind, subject }: Subject, from: string, to: string): StoredDay[] =>
      db
        .all<DayRow>(
          `SELECT * FROM provider_day WHERE provider = ? AND kind = ? AND subject = ? AND day BETWEEN ? AND ? ORDER BY day`,
          provider,
          kind,
          subject,
          from,
          to,
        )
        .map(storedDay),
    day: ({ provider, kind, subject }: Subject, day: string): StoredDay | undefined => {
      const row = db.get<DayRow>(
        "SELECT * FROM provider_day WHERE provider = ? AND kind = ? AND subject = ? AND day = ?",
        provider,
        kind,
        subject,
        day,
      );
      return row && storedDay(row);
    },
    untold: (most: number): StoredDay[] =>
      db
        .all<DayRow>(
          "SELECT * FROM provider_day WHERE told = 0 ORDER BY day, provider, kind, subject LIMIT ?",
          most,
        )
        .map(storedDay),
    /** Unless it was revised since. */
    told({ provider, kind, subject, day, revision }: StoredDay): void {
      db.run(
        `UPDATE provider_day SET told = 1
         WHERE provider = ? AND kind = ? AND subject = ? AND day = ? AND revision = ?`,
        provider,
        kind,
        subject,
        day,
        revision,
      );
    },
    forget({ provider, kind, subject }: Subject): void {
      db.transaction(() => {
        for (const table of ["provider_day", "provider_subject"])
          db.run(
            `DELETE FROM ${table} WHERE provider = ? AND kind = ? AND subject = ?`,
            provider,
            kind,
            subject,
          );
      });
    },
    /** Days before it, and subjects of which nobody has said anything since. */
    sweep(day: string, seenBefore: number): void {
      db.run("DELETE FROM provider_day WHERE day < ?", day);
      db.run("DELETE FROM provider_subject WHERE seen_at < ?", seenBefore);
    },
  };
}

/** The same figures are the same text. */
const canonical = (figures: Figures): string =>
  JSON.stringify(Object.fromEntries(Object.entries(figures).sort(([a], [b]) => (a < b ? -1 : 1))));

const subjectOf = ({
  provider,
  kind,
  subject,
}: {
  provider: string;
  kind: string;
  subject: string;
}): Subject => ({
  provider: provider as Provider,
  kind: kind as SubjectKind,
  subject,
});

function storedDay(row: DayRow): StoredDay {
  const { day, revision, at } = row;
  return { ...subjectOf(row), day, figures: JSON.parse(row.figures) as Figures, revision, at };
}

function connectionOf(row: ConnectionRow): Connection {
  return {
    provider: row.provider as ConnectedProvider,
    way: row.way as Way,
    by: row.by,
    connectedAt: row.connected_at,
    broken: row.broken_since === null ? null : { since: row.broken_since, why: row.broken_why ?? "" },
    triedAt: row.tried_at,
    fetchedAt: row.fetched_at,
    nextAt: row.next_at,
    failures: row.failures,
    said: row.said,
  };
}
