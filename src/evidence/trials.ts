import type { BounceWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Incidents } from "./incidents.ts";
import { BOUNCE_WINDOW, bounceWindow } from "./windows.ts";

/** A fact that counts in a window: of which message, when (ms since the epoch), and where. */
export type CountedFact = { message: string; at: number; domain: string; provider: string };

type Outcome = {
  recipient: string;
  domain: string;
  provider: string;
  template: string | null;
  message: string;
  at: number;
  sent_at: number;
  hard: number;
  first: number | null;
};

/** So many are read at once: most often enough. */
const PAGE = 250;
const FIRST_TIME_PAGE = 25;
const LAST_FIRST_TIME = 20;
const COLUMNS = "recipient, domain, provider, template, message, at, key, sent_at, hard, first";

/** A recipient and the day (UTC) on which the mail was handed in: nobody dilutes by mailing themselves. */
export type Trials = ReturnType<typeof createTrials>;

const trialOf = ({ recipient, sent_at }: Pick<Outcome, "recipient" | "sent_at">) =>
  `${recipient} ${Math.floor(sent_at / DAY_MS)}`;

/**
 * Trials: what came of a recipient in mail of one day. A trial is hard when any of its facts is, and stands where its
 * latest fact stands; so it is the same in whatever order they came, and a late bounce replaces its delivery.
 */
export function createTrials(db: Database, incidents: Pick<Incidents, "excuses">) {
  /** Newest first, from (`since`, `at`], of mail handed in after `sentAfter`; without what a provider's incident explains. */
  function* newestFirst(
    from: string,
    who: number | string,
    scope: { since: number; at: number; sentAfter: number; heard?: number },
    pageSize = PAGE,
  ): Generator<Outcome> {
    let [at, key] = [scope.at, Number.MAX_SAFE_INTEGER];
    for (;;) {
      const page = db.all<Outcome & { key: number }>(
        `SELECT ${COLUMNS} FROM outcome ${from} AND (at, key) < (?, ?) AND at > ? AND sent_at > ?
         ORDER BY at DESC, key DESC LIMIT ?`,
        who,
        at,
        key,
        scope.since,
        scope.sentAfter,
        pageSize,
      );
      for (const row of page) if (!incidents.excuses(row, scope.heard ?? scope.at)) yield row;
      const last = page.at(-1);
      if (!last || page.length < pageSize) return;
      [at, key] = [last.at, last.key];
    }
  }

  /** Such mail strangers bring about: they type an address into a form, and the member writes what it always writes. */
  function isByStrangers(member: number, { first, sent_at, message }: Outcome): boolean {
    if (first !== 1) return false;
    return (
      db.get<{ known: number }>(
        "SELECT known FROM handed_in WHERE member = ? AND sent_at = ? AND message = ?",
        member,
        sent_at,
        message,
      )?.known === 1
    );
  }

  /** The trials that count at `at`: how many, and those that are hard, each by its first fact. */
  function counted(
    member: number,
    at: number,
    sentAfter: number,
    heard: number,
  ): { eligible: number; hard: (Outcome & { byStrangers: boolean })[] } {
    const scope = { since: at - BOUNCE_WINDOW.reachMs, at, sentAfter, heard };
    const latest = new Set<string>();
    let oldest = at;
    for (const row of newestFirst("WHERE member = ?", member, scope)) {
      latest.add(trialOf(row));
      oldest = Math.min(oldest, Math.floor(row.sent_at / DAY_MS) * DAY_MS - 1);
      if (latest.size === BOUNCE_WINDOW.lastEligible) break;
    }
    const hard = new Map<string, Outcome & { byStrangers: boolean }>();
    // Nothing comes of mail before it is handed in.
    const since = Math.max(scope.since, oldest);
    const bounced = newestFirst("INDEXED BY outcome_hard WHERE hard > 0 AND member = ?", member, {
      ...scope,
      since,
    });
    for (const row of bounced) {
      const trial = trialOf(row);
      if (!latest.has(trial)) continue;
      const before = hard.get(trial);
      const byStrangers = (before?.byStrangers ?? true) && isByStrangers(member, row);
      hard.set(trial, { ...row, byStrangers });
    }
    return { eligible: latest.size, hard: [...hard.values()] };
  }

  return {
    /** The facts behind `bounces`, the newest first. */
    hard: (member: number, at: number, sentAfter: number): CountedFact[] =>
      counted(member, at, sentAfter, at)
        .hard.map(({ message, at: when, domain, provider }) => ({ message, at: when, domain, provider }))
        .toSorted((a, b) => b.at - a.at),

    /** `heard`: up to when signs of an incident are listened to, otherwise up to `at`. */
    bounces(member: number, at: number, sentAfter: number, heard = at): BounceWindow {
      const { eligible, hard: all } = counted(member, at, sentAfter, heard);
      return bounceWindow({
        eligible,
        hard: all.length,
        distinct: new Set(all.map(({ recipient }) => recipient)).size,
        first_contacts: all.filter(({ byStrangers }) => byStrangers).length,
        domains: new Set(all.map(({ domain }) => domain)).size,
      });
    },

    /**
     * Hard bounces among the last 20 recipients that were first contacts and have an outcome: each where its latest
     * outcome stands, and hard when that is. `of`: a member, or a credential. `templates`: of these alone.
     */
    firstTimeHard(
      of: { member: number; credential?: string },
      { since, at }: { since: number; at: number },
      templates?: ReadonlySet<string>,
    ): number {
      const scope = { since, at, sentAfter: Number.MIN_SAFE_INTEGER };
      const rows =
        of.credential === undefined
          ? newestFirst(
              "INDEXED BY outcome_first WHERE first = 1 AND member = ?",
              of.member,
              scope,
              FIRST_TIME_PAGE,
            )
          : newestFirst(
              "INDEXED BY outcome_first_credential WHERE first = 1 AND credential = ?",
              of.credential,
              scope,
              FIRST_TIME_PAGE,
            );
      const latest = new Map<string, boolean>();
      for (const { recipient, template, hard } of rows) {
        if (templates && !templates.has(template ?? "")) continue;
        if (!latest.has(recipient)) latest.set(recipient, hard > 0);
        if (latest.size === LAST_FIRST_TIME) break;
      }
      return [...latest.values()].filter(Boolean).length;
    },
  };
}
