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
  /** A sentence for whoever waits for it. */
  why: string;
};

/** What replies made us do, in memory and on disk; losing the last second is all right: the next reply says it again. */
export interface Measures {
  /**
   * Slows an address down at a provider. When the reply comes again while it lasts, it lasts twice as long. Undefined:
   * nothing new.
   */
  slow(address: string, provider: string, ms: number, why: string, now: number): MeasureInForce | undefined;
  pause(address: string, provider: string, ms: number, why: string, now: number): MeasureInForce | undefined;
  suspend(did: string, provider: string, ms: number, why: string, now: number): MeasureInForce | undefined;
  isSlow(address: string, provider: string, now: number): boolean;
  /** Of which addresses. */
  pausesAt(provider: string, now: number): MeasureInForce[];
  suspensionOf(did: string, provider: string, now: number): MeasureInForce | undefined;
  inForce(now: number): MeasureInForce[];
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
    about: Pick<MeasureInForce, "kind" | "provider" | "subject" | "why">,
    ms: number,
    now: number,
  ) {
    const { kind, provider, subject } = about;
    const span = renewed(of(kind, provider)?.get(subject), kind, ms, now);
    if (!span) return undefined;
    forget(now);
    const measure = { ...about, ...span };
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
        for (const { kind, provider, subject, since, until, ms, why } of rows) {
          db.run(
            "INSERT OR REPLACE INTO shaping_measure (kind, provider, subject, since, until, ms, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
            kind,
            provider,
            subject,
            since,
            until,
            ms,
            why,
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

  for (const row of db.all<MeasureInForce>("SELECT * FROM shaping_measure")) keep({ ...row });

  return {
    slow: (subject, provider, ms, why, now) => begin({ kind: "slow", provider, subject, why }, ms, now),
    pause: (subject, provider, ms, why, now) => begin({ kind: "pause", provider, subject, why }, ms, now),
    suspend: (subject, provider, ms, why, now) => begin({ kind: "suspend", provider, subject, why }, ms, now),
    isSlow: (address, provider, now) => find("slow", provider, address, now) !== undefined,
    pausesAt: (provider, now) =>
      [...(of("pause", provider)?.values() ?? [])].filter((measure) => runs(measure, now)),
    suspensionOf: (did, provider, now) => find("suspend", provider, did, now),
    inForce,
    flush,
    close() {
      clearInterval(timer);
      flush();
    },
  };
}
