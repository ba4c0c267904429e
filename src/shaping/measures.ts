import type { Database, Migration } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";

export const measuresMigration: Migration = {
  module: "shaping",
  steps: [
    `CREATE TABLE shaping_measure (
       kind TEXT NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL,
       since INTEGER NOT NULL, until INTEGER NOT NULL, ms INTEGER NOT NULL, why TEXT NOT NULL,
       PRIMARY KEY (kind, provider, subject)
     ) STRICT, WITHOUT ROWID;`,
    `ALTER TABLE shaping_measure ADD COLUMN rule TEXT;
     ALTER TABLE shaping_measure ADD COLUMN advice TEXT;
     CREATE TABLE shaping_lift (
       id INTEGER PRIMARY KEY, kind TEXT NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL,
       until INTEGER NOT NULL, said TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, why TEXT NOT NULL
     ) STRICT;`,
  ],
};

/** `slow`, `pause`: of an address of ours; `suspend`: of a member, by DID. */
export type MeasureKind = "slow" | "pause" | "suspend";

export type MeasureInForce = {
  kind: MeasureKind;
  /** Or the mail hosts of nobody known. */
  provider: string;
  subject: string;
  since: number;
  until: number;
  /** How long it was meant to be, from its last reply on. */
  ms: number;
  /** A sentence for whoever waits for it: what the provider said. */
  why: string;
  /** Name of the rule that asked for it, and what is to be done by whoever runs the pool. */
  rule: string | null;
  advice: string | null;
};

/** One that a person ended before its time. */
export type LiftedMeasure = Pick<MeasureInForce, "kind" | "provider" | "subject" | "until"> & {
  /** What the provider had said. */
  said: string;
  at: number;
  by: string;
  why: string;
};

/** What a reply was, as far as a measure keeps it. */
export type MeasureCause = { why: string; rule?: string | undefined; advice?: string | undefined };

/** What replies made us do, in memory and on disk; losing the last second is all right: the next reply says it again. */
export interface Measures {
  /**
   * Slows an address down at a provider. When the reply comes again while it lasts, it lasts twice as long. Undefined:
   * nothing new.
   */
  slow(
    address: string,
    provider: string,
    ms: number,
    cause: MeasureCause,
    now: number,
  ): MeasureInForce | undefined;
  pause(
    address: string,
    provider: string,
    ms: number,
    cause: MeasureCause,
    now: number,
  ): MeasureInForce | undefined;
  suspend(
    did: string,
    provider: string,
    ms: number,
    cause: MeasureCause,
    now: number,
  ): MeasureInForce | undefined;
  isSlow(address: string, provider: string, now: number): boolean;
  /** Of which addresses. */
  pausesAt(provider: string, now: number): MeasureInForce[];
  suspensionOf(did: string, provider: string, now: number): MeasureInForce | undefined;
  inForce(now: number): MeasureInForce[];
  /** A person ends what is in force of this address or member there; gives what that was. On disk when it returns. */
  lift(provider: string, subject: string, person: { by: string; why: string }, now: number): MeasureInForce[];
  /** The newest first. */
  lifted(most: number): LiftedMeasure[];
  /** Writes what changed; by itself once a second. */
  flush(): void;
  close(): void;
}

/** Replies to what was on its way already are no new ones. */
const SAME_MS = 60_000;
const LONGEST_SLOW_MS = 86_400_000;
/** None lasts longer: a later end is of a clock that was wrong. */
const LONGEST_MS = 5 * 86_400_000;
const FLUSH_MS = 1_000;
/** Between two times that what is over is forgotten: any host may ask for a measure, and ever new ones do. */
const FORGET_MS = 3_600_000;
const LIFTS_KEPT = 200;
const KINDS: readonly MeasureKind[] = ["slow", "pause", "suspend"];

/**
 * What becomes of a measure when a reply asks for it (again): a slow-down that comes again doubles, the others begin anew.
 * Undefined: it stays as it is.
 */
export function renewed(
  before: Pick<MeasureInForce, "since" | "until" | "ms"> | undefined,
  kind: MeasureKind,
  ms: number,
  now: number,
): Pick<MeasureInForce, "since" | "until" | "ms"> | undefined {
  const lasts = before !== undefined && runs(before, now);
  if (!lasts) return { since: now, until: now + Math.min(ms, LONGEST_MS), ms };
  const last = before.until - before.ms;
  if (now >= last && now < last + SAME_MS && ms <= before.ms) return undefined;
  const doubled = kind === "slow" ? Math.max(ms, Math.min(before.ms * 2, LONGEST_SLOW_MS)) : ms;
  const length = Math.min(doubled, LONGEST_MS);
  const until = Math.max(before.until, now + length);
  return { since: before.since, until, ms: until - now };
}

function runs({ until }: Pick<MeasureInForce, "until">, now: number): boolean {
  return until > now && until <= now + LONGEST_MS;
}

export function createMeasures({ db, log }: { db: Database; log: Logger }): Measures {
  /** By kind and provider, then by subject. */
  const all = new Map<string, Map<string, MeasureInForce>>();
  const changed = new Set<MeasureInForce>();
  const timer = setInterval(flush, FLUSH_MS).unref();
  let forgotten = -Infinity;

  const of = (kind: MeasureKind, provider: string) => all.get(`${kind} ${provider}`);

  function keep(measure: MeasureInForce): void {
    const { kind, provider, subject } = measure;
    const some = of(kind, provider) ?? new Map<string, MeasureInForce>();
    const before = some.get(subject);
    if (before) changed.delete(before);
    all.set(`${kind} ${provider}`, some.set(subject, measure));
  }

  function begin(
    about: Pick<MeasureInForce, "kind" | "provider" | "subject">,
    ms: number,
    { why, rule, advice }: MeasureCause,
    now: number,
  ) {
    const { kind, provider, subject } = about;
    const span = renewed(of(kind, provider)?.get(subject), kind, ms, now);
    if (!span) return undefined;
    forget(now);
    const measure = { ...about, ...span, why, rule: rule ?? null, advice: advice ?? null };
    keep(measure);
    changed.add(measure);
    return measure;
  }

  function find(kind: MeasureKind, provider: string, subject: string, now: number) {
    const found = of(kind, provider)?.get(subject);
    return found && runs(found, now) ? found : undefined;
  }

  function flush(): void {
    if (changed.size === 0) return;
    const rows = [...changed];
    changed.clear();
    try {
      db.transaction(() => {
        for (const { kind, provider, subject, since, until, ms, why, rule, advice } of rows) {
          db.run(
            `INSERT OR REPLACE INTO shaping_measure (kind, provider, subject, since, until, ms, why, rule, advice)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
            kind,
            provider,
            subject,
            since,
            until,
            ms,
            why,
            rule,
            advice,
          );
        }
      });
    } catch (err) {
      for (const row of rows) changed.add(row);
      log.error({ err }, "what providers asked of us was not written down; again in a second");
    }
  }

  /** What was over a day ago, once an hour. */
  function forget(now: number): void {
    if (now >= forgotten && now < forgotten + FORGET_MS) return;
    forgotten = now;
    const end = now - LONGEST_SLOW_MS;
    for (const [key, some] of all) {
      for (const [subject, measure] of some) {
        if (measure.until > end) continue;
        some.delete(subject);
        changed.delete(measure);
      }
      if (some.size === 0) all.delete(key);
    }
    try {
      db.run("DELETE FROM shaping_measure WHERE until <= ?", end);
    } catch (err) {
      log.error({ err }, "what providers asked of us and is over was not forgotten; again in an hour");
    }
  }

  function inForce(now: number): MeasureInForce[] {
    forget(now);
    return [...all.values()].flatMap((some) => [...some.values()].filter((measure) => runs(measure, now)));
  }

  function lift(provider: string, subject: string, { by, why }: { by: string; why: string }, now: number) {
    const found = KINDS.flatMap((kind) => find(kind, provider, subject, now) ?? []);
    if (found.length === 0) return found;
    db.transaction(() => {
      for (const { kind, until, why: said } of found) {
        db.run(
          "DELETE FROM shaping_measure WHERE kind = ? AND provider = ? AND subject = ?",
          kind,
          provider,
          subject,
        );
        const { lastInsertRowid } = db.run(
          `INSERT INTO shaping_lift (kind, provider, subject, until, said, at, by, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
          kind,
          provider,
          subject,
          until,
          said,
          now,
          by,
          why,
        );
        db.run("DELETE FROM shaping_lift WHERE id <= ?", lastInsertRowid - LIFTS_KEPT);
      }
    });
    for (const measure of found) {
      changed.delete(measure);
      of(measure.kind, provider)?.delete(subject);
    }
    return found;
  }

  for (const row of db.all<MeasureInForce>("SELECT * FROM shaping_measure")) keep({ ...row });

  return {
    slow: (subject, provider, ms, cause, now) => begin({ kind: "slow", provider, subject }, ms, cause, now),
    pause: (subject, provider, ms, cause, now) => begin({ kind: "pause", provider, subject }, ms, cause, now),
    suspend: (subject, provider, ms, cause, now) =>
      begin({ kind: "suspend", provider, subject }, ms, cause, now),
    isSlow: (address, provider, now) => find("slow", provider, address, now) !== undefined,
    pausesAt: (provider, now) =>
      [...(of("pause", provider)?.values() ?? [])].filter((measure) => runs(measure, now)),
    suspensionOf: (did, provider, now) => find("suspend", provider, did, now),
    inForce,
    lift,
    lifted: (most) =>
      db.all<LiftedMeasure>(
        "SELECT kind, provider, subject, until, said, at, by, why FROM shaping_lift ORDER BY id DESC LIMIT ?",
        most,
      ),
    flush,
    close() {
      clearInterval(timer);
      flush();
    },
  };
}
