import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";

const HOUR_MS = 3_600_000;

/**
 * When a provider refuses people who exist (Gmail did in December 2020). A sign of it is a refusal of somebody whom the
 * member had mail delivered to before: no bought list and no thief has such recipients, and nobody can type them into a
 * form. `members`: so many of them at once. `each`: of each so many within an hour, and `timesHabit` times as many as its
 * own hourly mean of the `habitDays` before. `voices`: of all of them together. A voice is a recipient at one of the
 * provider's own domains; of any other domain, whose owner can refuse whom they like, all recipients are one.
 */
const INCIDENT = { withinMs: HOUR_MS, members: 3, each: 2, voices: 8, timesHabit: 10, habitDays: 30 };

/** Domains at which anybody gets a mailbox from a provider; any other belongs to somebody. */
const OPEN_DOMAINS =
  /^(?:gmail\.com|googlemail\.com|(?:yahoo|ymail|rocketmail|aol|outlook|hotmail|live|gmx)\.(?:com|net|co\.[a-z]{2}|com\.[a-z]{2}|[a-z]{2})|msn\.com|(?:icloud|me|mac)\.com|web\.de|t-online\.de|freenet\.de|(?:proton|pm)\.me|protonmail\.com|mail\.ru|yandex\.(?:ru|com)|qq\.com|163\.com|126\.com|naver\.com|orange\.fr|free\.fr|laposte\.net|libero\.it|comcast\.net)$/;

/** Somebody whom the member had reached before is unknown now, as the provider said at once. */
export type Refusal = { member: number; recipient: string; domain: string };

const voiceOf = ({ recipient, domain }: Refusal) => (OPEN_DOMAINS.test(domain) ? recipient : `@${domain}`);

/**
 * Pure. Do the refusals of one hour at one provider, in any order, say that the provider errs? `habit`: of a member, the
 * mean in an hour; asked only of members with enough to count.
 */
export function isIncident(refusals: Iterable<Refusal>, habit: (member: number) => number): boolean {
  const voices = new Map<number, Set<string>>();
  const needs = new Map<number, number>();
  const jumped = new Set<number>();
  const heard = new Set<string>();
  for (const refusal of refusals) {
    const { member } = refusal;
    const own = voices.get(member) ?? new Set();
    voices.set(member, own.add(voiceOf(refusal)));
    if (own.size < INCIDENT.each) continue;
    const need = needs.get(member) ?? Math.max(INCIDENT.each, Math.ceil(INCIDENT.timesHabit * habit(member)));
    needs.set(member, need);
    if (own.size < need) continue;
    jumped.add(member);
    for (const voice of own) heard.add(voice);
    if (jumped.size >= INCIDENT.members && heard.size >= INCIDENT.voices) return true;
  }
  return false;
}

/** One incident, `from` and `to` in event time; bounces of unknown users there, in this time, count for nobody. */
export type Incident = {
  provider: string;
  from: number;
  /** Without a further sign it ends then. */
  to: number;
  /** Members with bounces that count no more, by DID. */
  members: string[];
  bounces: number;
};

export type Incidents = ReturnType<typeof createIncidents>;

/**
 * Signs are kept as the instants at which a refusal made the hour before it an incident; each explains the hour before and
 * the hour after. What an instant is depends on facts up to it alone, so what came late is judged as if it had not.
 */
export function createIncidents(db: Database) {
  function habitOf(provider: string, member: number, at: number): number {
    const before = Math.floor(at / DAY_MS) * DAY_MS;
    const count = db.get<{ n: number }>(
      `SELECT count(*) AS n FROM outcome INDEXED BY outcome_refusal_member
       WHERE provider = ? AND hard = 2 AND first = 0 AND late = 0 AND member = ? AND at >= ? AND at < ?`,
      provider,
      member,
      before - INCIDENT.habitDays * DAY_MS,
      before,
    )!.n;
    return count / (INCIDENT.habitDays * 24);
  }

  function judge(provider: string, at: number): void {
    const latest = (limit: number) =>
      db.all<Refusal>(
        `SELECT member, recipient, domain FROM outcome
         WHERE provider = ? AND hard = 2 AND first = 0 AND late = 0 AND at > ? AND at <= ?
         ORDER BY at DESC, member, key LIMIT ?`,
        provider,
        at - INCIDENT.withinMs,
        at,
        limit,
      );
    const habit = (member: number) => habitOf(provider, member, at);
    // More refusals never make less of an incident, and most often few are enough to see it.
    const few = latest(FEW);
    if (isIncident(few, habit) || (few.length === FEW && isIncident(latest(MOST), habit)))
      db.run("INSERT OR IGNORE INTO incident_instant (provider, at) VALUES (?, ?)", provider, at);
    else db.run("DELETE FROM incident_instant WHERE provider = ? AND at = ?", provider, at);
  }

  return {
    /** A refusal is in the books: what it says, and what those say now that came later in time and were here before. */
    refused(provider: string, at: number): void {
      if (provider === UNKNOWN_PROVIDER) return;
      const later = db.all<{ at: number }>(
        `SELECT DISTINCT at FROM outcome
         WHERE provider = ? AND hard = 2 AND first = 0 AND late = 0 AND at > ? AND at < ?
         UNION SELECT at FROM incident_instant WHERE provider = ? AND at > ? AND at < ?`,
        provider,
        at,
        at + INCIDENT.withinMs,
        provider,
        at,
        at + (INCIDENT.habitDays + 2) * DAY_MS,
      );
      judge(provider, at);
      for (const one of later) judge(provider, one.at);
    },

    /** Is this bounce one of a provider's incident, as far as was known at `now`? */
    excuses({ hard, provider, at }: { hard: number; provider: string; at: number }, now: number): boolean {
      if (hard !== UNKNOWN_USER) return false;
      return (
        db.get(
          "SELECT 1 FROM incident_instant WHERE provider = ? AND at BETWEEN ? AND ? LIMIT 1",
          provider,
          at - INCIDENT.withinMs,
          Math.min(at + INCIDENT.withinMs, now),
        ) !== undefined
      );
    },

    /** `members`: with refusals of people whom they had reached before, in the last hour. */
    window(provider: string, at: number) {
      const since = at - INCIDENT.withinMs;
      const active =
        db.get(
          "SELECT 1 FROM incident_instant WHERE provider = ? AND at BETWEEN ? AND ? LIMIT 1",
          provider,
          since,
          at,
        ) !== undefined;
      const { n } = db.get<{ n: number }>(
        `SELECT count(DISTINCT member) AS n FROM outcome
         WHERE provider = ? AND hard = 2 AND first = 0 AND late = 0 AND at > ? AND at <= ?`,
        provider,
        since,
        at,
      )!;
      return { active, provider, members: n };
    },

    /** Incidents that were not over at `since`, the oldest first: what is to be undone together. */
    list(since: number): Incident[] {
      const instants = db.all<{ provider: string; at: number }>(
        "SELECT provider, at FROM incident_instant WHERE at >= ? ORDER BY provider, at",
        since - LONGEST_MS,
      );
      const spans: { provider: string; from: number; to: number }[] = [];
      for (const { provider, at } of instants) {
        const [from, to] = [at - INCIDENT.withinMs, at + INCIDENT.withinMs];
        const last = spans.at(-1);
        if (last?.provider === provider && from <= last.to) last.to = to;
        else spans.push({ provider, from, to });
      }
      return spans
        .filter(({ to }) => to >= since)
        .sort((a, b) => a.from - b.from)
        .map((span) => {
          const rows = db.all<{ did: string; n: number }>(
            `SELECT did, count(*) AS n FROM outcome JOIN evidence_member ON id = member
             WHERE provider = ? AND hard = 2 AND at BETWEEN ? AND ? GROUP BY did ORDER BY did`,
            span.provider,
            span.from,
            span.to,
          );
          return {
            ...span,
            members: rows.map(({ did }) => did),
            bounces: rows.reduce((sum, { n }) => sum + n, 0),
          };
        });
    },
  };
}

const UNKNOWN_PROVIDER = "other";
/** `outcome.hard` of a mailbox that is not there; 1 is a domain that is not. */
const UNKNOWN_USER = 2;
/** Of one hour, those that came last decide. */
const FEW = 200;
const MOST = 5_000;
/** An incident that goes on for longer is told as if it had begun then. */
const LONGEST_MS = 7 * DAY_MS;
