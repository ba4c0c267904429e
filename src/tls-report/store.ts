import type { PolicyCount, ReportedFailure, ReportedPolicy } from "../protocol/tls-rpt/index.ts";
import type { Database, Migration } from "../platform/database.ts";

export const tlsReportMigration: Migration = {
  module: "tls-report",
  steps: [
    `CREATE TABLE tls_count (
      id INTEGER PRIMARY KEY,
      day INTEGER NOT NULL,
      domain TEXT NOT NULL,
      policy TEXT NOT NULL,
      succeeded INTEGER NOT NULL,
      failed INTEGER NOT NULL,
      UNIQUE (day, domain, policy)
    ) STRICT;
    CREATE TABLE tls_failure (
      count_id INTEGER NOT NULL REFERENCES tls_count (id) ON DELETE CASCADE,
      failure TEXT NOT NULL,
      sessions INTEGER NOT NULL,
      PRIMARY KEY (count_id, failure)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tls_report (
      day INTEGER NOT NULL,
      domain TEXT NOT NULL,
      state TEXT NOT NULL,
      next_at INTEGER NOT NULL,
      tries INTEGER NOT NULL,
      tried_at INTEGER,
      sent_to TEXT NOT NULL,
      message TEXT,
      refused TEXT NOT NULL,
      why TEXT NOT NULL,
      PRIMARY KEY (day, domain)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tls_report_due ON tls_report (next_at) WHERE state IN ('waiting', 'mailed');`,
  ],
};

/** `mailed`: it is in our own spool. `given-up`: nobody took it within a day, or whoever was asked refused it for good. */
export type ReportState = "waiting" | "mailed" | "sent" | "given-up";

/** The report about a day of a domain. Times in ms since the epoch. */
export type ReportRow = {
  /** Days since the epoch, UTC. */
  day: number;
  domain: string;
  state: ReportState;
  /** When something is to be done about it again. */
  nextAt: number;
  tries: number;
  /** The first time. */
  triedAt: number | null;
  /** URL or mail address that took it, or that it is on its way to. */
  sentTo: string;
  /** Of the spool, where it was mailed. */
  message: string | null;
  /** Mail addresses that refused it for good. */
  refused: string[];
  /** What was said last. */
  why: string;
};

/** So many sessions of a domain that ended in the same way, since the last writing. */
export type Tally = {
  day: number;
  domain: string;
  /** JSON of a `ReportedPolicy`, and of a `ReportedFailure` or undefined: they succeeded. */
  policy: string;
  failure: string | undefined;
  sessions: number;
};

export type Limits = {
  /** Rows of a day: domains with their policies. */
  policies: number;
  policiesOfDomain: number;
  /** Rows of a day, and of one policy. */
  failures: number;
  failuresOfPolicy: number;
};

type Raw = Omit<ReportRow, "nextAt" | "triedAt" | "sentTo" | "refused"> & {
  next_at: number;
  tried_at: number | null;
  sent_to: string;
  refused: string;
};

const rowOf = ({ next_at, tried_at, sent_to, refused, ...same }: Raw): ReportRow => ({
  ...same,
  nextAt: next_at,
  triedAt: tried_at,
  sentTo: sent_to,
  refused: JSON.parse(refused) as string[],
});

export type DayTotal = { day: number; domains: number; succeeded: number; failed: number };

export type ReportStore = ReturnType<typeof createReportStore>;

/** What was counted, and the reports that come of it. */
export function createReportStore(db: Database, limits: Limits) {
  /** Rows of each day, counted once. */
  const sizes = new Map<number, { policies: number; failures: number }>();

  function sizeOf(day: number): { policies: number; failures: number } {
    let size = sizes.get(day);
    if (!size) {
      const count = (sql: string) => db.get<{ n: number }>(sql, day)!.n;
      size = {
        policies: count("SELECT count(*) AS n FROM tls_count WHERE day = ?"),
        failures: count(
          "SELECT count(*) AS n FROM tls_failure JOIN tls_count ON tls_count.id = count_id WHERE day = ?",
        ),
      };
      sizes.set(day, size);
    }
    return size;
  }

  function countId({ day, domain, policy }: Tally): number | undefined {
    const found = db.get<{ id: number }>(
      "SELECT id FROM tls_count WHERE day = ? AND domain = ? AND policy = ?",
      day,
      domain,
      policy,
    );
    if (found) return found.id;
    const size = sizeOf(day);
    if (size.policies >= limits.policies) return undefined;
    const { n } = db.get<{ n: number }>(
      "SELECT count(*) AS n FROM tls_count WHERE day = ? AND domain = ?",
      day,
      domain,
    )!;
    if (n >= limits.policiesOfDomain) return undefined;
    size.policies++;
    return db.run(
      "INSERT INTO tls_count (day, domain, policy, succeeded, failed) VALUES (?, ?, ?, 0, 0)",
      day,
      domain,
      policy,
    ).lastInsertRowid;
  }

  /** A detail that has no room any more counts with its kind alone, so that the sums are right. */
  function addFailure(id: number, day: number, failure: string, sessions: number): void {
    const more = (text: string) =>
      db.run(
        "UPDATE tls_failure SET sessions = sessions + ? WHERE count_id = ? AND failure = ?",
        sessions,
        id,
        text,
      ).changes > 0;
    if (more(failure)) return;
    const size = sizeOf(day);
    const { n } = db.get<{ n: number }>("SELECT count(*) AS n FROM tls_failure WHERE count_id = ?", id)!;
    const full = n >= limits.failuresOfPolicy || size.failures >= limits.failures;
    const text = full ? kindAlone(failure) : failure;
    if (full && more(text)) return;
    size.failures++;
    db.run("INSERT INTO tls_failure (count_id, failure, sessions) VALUES (?, ?, ?)", id, text, sessions);
  }

  return {
    /** In one commit. How many sessions found no room. */
    add(tallies: Iterable<Tally>): number {
      try {
        return db.transaction(() => {
          let lost = 0;
          for (const tally of tallies) {
            const { day, failure, sessions } = tally;
            const id = countId(tally);
            if (id === undefined) {
              lost += sessions;
              continue;
            }
            const [ok, failed] = failure === undefined ? [sessions, 0] : [0, sessions];
            db.run(
              "UPDATE tls_count SET succeeded = succeeded + ?, failed = failed + ? WHERE id = ?",
              ok,
              failed,
              id,
            );
            if (failure !== undefined) addFailure(id, day, failure, sessions);
          }
          return lost;
        });
      } catch (error) {
        // What was not written does not count.
        sizes.clear();
        throw error;
      }
    },
    /**
     * Each domain that was counted on a day before `today` has a report to come. `dueAt` is asked for each. How many it were:
     * fewer than `limit` are all.
     */
    closeDays(today: number, limit: number, dueAt: (day: number) => number): number {
      const open = db.all<{ day: number; domain: string }>(
        `SELECT DISTINCT c.day, c.domain FROM tls_count c WHERE c.day < ? AND NOT EXISTS
           (SELECT 1 FROM tls_report r WHERE r.day = c.day AND r.domain = c.domain) LIMIT ?`,
        today,
        limit,
      );
      db.transaction(() => {
        for (const { day, domain } of open)
          db.run(
            `INSERT INTO tls_report (day, domain, state, next_at, tries, tried_at, sent_to, message, refused, why)
             VALUES (?, ?, 'waiting', ?, 0, NULL, '', NULL, '[]', '')`,
            day,
            domain,
            dueAt(day),
          );
      });
      return open.length;
    },
    due: (now: number, limit: number): ReportRow[] =>
      db
        .all<Raw>(
          "SELECT * FROM tls_report WHERE state IN ('waiting', 'mailed') AND next_at <= ? ORDER BY next_at LIMIT ?",
          now,
          limit,
        )
        .map(rowOf),
    /** Some have changed; of others nobody wants to know. */
    conclude(rows: readonly ReportRow[], forgotten: readonly Pick<ReportRow, "day" | "domain">[]): void {
      db.transaction(() => {
        for (const { day, domain, state, nextAt, tries, triedAt, sentTo, message, refused, why } of rows)
          db.run(
            `UPDATE tls_report SET state = ?, next_at = ?, tries = ?, tried_at = ?, sent_to = ?, message = ?, refused = ?,
               why = ? WHERE day = ? AND domain = ?`,
            state,
            nextAt,
            tries,
            triedAt,
            sentTo,
            message,
            JSON.stringify(refused),
            why,
            day,
            domain,
          );
        for (const { day, domain } of forgotten) {
          db.run("DELETE FROM tls_count WHERE day = ? AND domain = ?", day, domain);
          db.run("DELETE FROM tls_report WHERE day = ? AND domain = ?", day, domain);
          sizes.delete(day);
        }
      });
    },
    forgetBefore(day: number): void {
      db.transaction(() => {
        db.run("DELETE FROM tls_count WHERE day < ?", day);
        db.run("DELETE FROM tls_report WHERE day < ?", day);
      });
      for (const known of sizes.keys()) if (known < day) sizes.delete(known);
    },
    countsOf(day: number, domain: string): PolicyCount[] {
      const rows = db.all<{ id: number; policy: string; succeeded: number; failed: number }>(
        "SELECT id, policy, succeeded, failed FROM tls_count WHERE day = ? AND domain = ? ORDER BY id",
        day,
        domain,
      );
      return rows.map(({ id, policy, succeeded, failed }) => ({
        policy: JSON.parse(policy) as ReportedPolicy,
        succeeded,
        failed,
        failures: db
          .all<{ failure: string; sessions: number }>(
            "SELECT failure, sessions FROM tls_failure WHERE count_id = ? ORDER BY sessions DESC, failure",
            id,
          )
          .map((one) => ({ failure: JSON.parse(one.failure) as ReportedFailure, sessions: one.sessions })),
      }));
    },
    /** Newest first. */
    reports: (limit: number): ReportRow[] =>
      db.all<Raw>("SELECT * FROM tls_report ORDER BY day DESC, domain LIMIT ?", limit).map(rowOf),
    report(day: number, domain: string): ReportRow | undefined {
      const raw = db.get<Raw>("SELECT * FROM tls_report WHERE day = ? AND domain = ?", day, domain);
      return raw && rowOf(raw);
    },
    daysOf: (domain: string): number[] =>
      db
        .all<{ day: number }>("SELECT DISTINCT day FROM tls_count WHERE domain = ? ORDER BY day DESC", domain)
        .map(({ day }) => day),
    totals: (): DayTotal[] =>
      db.all<DayTotal>(
        `SELECT day, count(DISTINCT domain) AS domains, sum(succeeded) AS succeeded, sum(failed) AS failed
         FROM tls_count GROUP BY day ORDER BY day DESC`,
      ),
    inState: (state: ReportState): number =>
      db.get<{ n: number }>("SELECT count(*) AS n FROM tls_report WHERE state = ?", state)!.n,
  };
}

/** Everything that was ever counted. */
export function forgetTlsReports(db: Database): void {
  db.transaction(() => {
    for (const table of ["tls_failure", "tls_count", "tls_report"]) db.run(`DELETE FROM ${table}`);
  });
}

const NOTHING = { reason: "", sendingIp: "", mxHost: "", mxHelo: "", receivingIp: "" };

function kindAlone(failure: string): string {
  const { type } = JSON.parse(failure) as ReportedFailure;
  return JSON.stringify({ type, ...NOTHING } satisfies ReportedFailure);
}
