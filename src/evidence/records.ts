import type { AuthenticationWindow, ProviderWindow, StandingWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";

const HOUR_MS = 3_600_000;
/** Checks of longer ago are no part of a row. */
const CHECKS_REACH_MS = 30 * DAY_MS;
const FIGURE_DAYS = 7;
const SPAM_RATE_LINE = 0.003;

/** Of a change `one`: it was not taken back, as far as was known at a time. */
const STANDS = `NOT EXISTS (SELECT 1 FROM standing_undone AS undone
  WHERE undone.member = one.member AND undone.at = one.at AND undone.known_at <= ?)`;

const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

type Check = { at: number; passed: number; record: string; fix: string };

/** Pure. Checks that had an answer from the DNS, the oldest first. */
export function authenticationOf(checks: Iterable<Check>, at: number): AuthenticationWindow {
  let row: Check[] = [];
  let ended = { failed: 0, at };
  for (const check of checks) {
    if (!check.passed) row.push(check);
    else if (row.length > 0) {
      ended = { failed: row.length, at: check.at };
      row = [];
    }
  }
  const [first, latest] = [row[0], row.at(-1)];
  return {
    failed: row.length,
    since_hours: first && latest ? (latest.at - first.at) / HOUR_MS : 0,
    record: latest?.record ?? "",
    fix: latest?.fix ?? "",
    last_failed: ended.failed,
    passed_hours: (at - ended.at) / HOUR_MS,
  };
}

/** What was looked up, decided or reported, and is no mail. */
export function createRecords(db: Database) {
  return {
    authentication(member: number, domain: string, at: number): AuthenticationWindow {
      const checks = db.all<Check>(
        `SELECT at, passed, record, fix FROM domain_check
         WHERE member = ? AND domain = ? AND at > ? AND at <= ? ORDER BY at, key`,
        member,
        domain,
        at - CHECKS_REACH_MS,
        at,
      );
      return authenticationOf(checks, at);
    },

    /** The latest change of standing that was not taken back; mail handed in up to it is no evidence after it. */
    windowStart: (member: number, at: number): number =>
      db.get<{ at: number }>(
        `SELECT at FROM standing_fact AS one WHERE member = ? AND at <= ? AND ${STANDS} ORDER BY at DESC LIMIT 1`,
        member,
        at,
        at,
      )?.at ?? Number.MIN_SAFE_INTEGER,

    /** Days since the last change to `good`, or since anything was heard of the member; 0 in another standing. */
    standing(member: number, at: number, eligible: number): StandingWindow {
      const last = db.get<{ at: number; standing: string }>(
        `SELECT at, standing FROM standing_fact AS one WHERE member = ? AND at <= ? AND standing <> '' AND ${STANDS}
         ORDER BY at DESC, standing DESC LIMIT 1`,
        member,
        at,
        at,
      );
      const first = db.get<{ first_at: number }>("SELECT first_at FROM evidence_member WHERE id = ?", member);
      const since = last ? (last.standing === "good" ? last.at : at) : (first?.first_at ?? at);
      return { good_days: Math.max(0, at - since) / DAY_MS, eligible };
    },

    /** The figures of one subject, as they were last told at `at`: days (UTC) up to that of `at`, seven of them. */
    provider(of: { provider: string; kind: string; subject: string }, at: number): ProviderWindow {
      const rows = db.all<{ rate: number }>(
        `SELECT spam_rate AS rate, max(revision) FROM provider_figure
         WHERE provider = ? AND kind = ? AND subject = ? AND day > ? AND day <= ? AND at <= ? AND spam_rate IS NOT NULL
         GROUP BY day`,
        of.provider,
        of.kind,
        of.subject,
        dateOf(at - FIGURE_DAYS * DAY_MS),
        dateOf(at),
        at,
      );
      const sum = rows.reduce((all, { rate }) => all + rate, 0);
      return {
        spam_rate: rows.length === 0 ? 0 : sum / rows.length,
        days: rows.length,
        days_over: rows.filter(({ rate }) => rate > SPAM_RATE_LINE).length,
      };
    },
  };
}
