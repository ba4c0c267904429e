import type { BreakerWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Trials } from "./trials.ts";
import { listed } from "./velocity.ts";
import { BOUNCE_WINDOW } from "./windows.ts";

/** Mail with the same templates is looked at so long before the pause. */
const BEFORE_MS = 7 * DAY_MS;
/** What was known a day before the pause was not made known by what the pause is about. */
const SETTLED_MS = DAY_MS;
/** Mail that was held so shortly before the pause, or had an unseen template in the hour before it, is suspect too. */
const HELD_BEFORE_MS = 60_000;
const UNSEEN_BEFORE_MS = 3_600_000;
/** Of suspect mail, the latest messages; of deliveries of a template, as many as nobody needs to tell apart. */
const MOST_MESSAGES = 2_000;
const MOST_DELIVERIES = 1_000;

type Sent = { message: string; template: string; who: string };
type Pause = { at: number; cause: string };

/** Causes of which a rule may say more; others are people's. */
const OF_A_BREAKER: ReadonlySet<string> = new Set(["content", "first-contact"]);

export function createBreakerWindow(db: Database, trials: Pick<Trials, "firstTimeHard">) {
  /** Of a credential at a time: what a breaker began before what a person did, the oldest first. */
  function openPause(member: number, credential: string, at: number): Pause | undefined {
    const open = db.all<Pause>(
      `SELECT at, cause FROM pause_fact
       WHERE member = ? AND credential IN (?, '') AND begun <= ? AND (ended IS NULL OR ended > ?) ORDER BY at, cause`,
      member,
      credential,
      at,
      at,
    );
    return open.find(({ cause }) => OF_A_BREAKER.has(cause)) ?? open[0];
  }

  /** Suspect templates, the newest first, and the mail of the credential that has them. */
  function suspects(credential: string, pause: Pause, at: number) {
    const templates = db
      .all<{ template: string }>(
        `SELECT template FROM handed_in
         WHERE credential = ? AND template IS NOT NULL AND sent_at > ? AND sent_at <= ?
           AND ((held = 1 AND sent_at >= ?) OR (known = 0 AND sent_at <= ?))
         GROUP BY template ORDER BY max(sent_at) DESC, template`,
        credential,
        pause.at - UNSEEN_BEFORE_MS,
        at,
        pause.at - HELD_BEFORE_MS,
        pause.at,
      )
      .map(({ template }) => template);
    const wanted = new Set(templates);
    const mail = db
      .all<Sent>(
        `SELECT message, template, who FROM handed_in
         WHERE credential = ? AND template IS NOT NULL AND sent_at > ? AND sent_at <= ?
         ORDER BY sent_at DESC, message LIMIT ${MOST_MESSAGES}`,
        credential,
        pause.at - BEFORE_MS,
        at,
      )
      .filter(({ template }) => wanted.has(template));
    return { templates, wanted, mail };
  }

  /** The least that any template was delivered; ends with the first that never was. */
  function leastDelivered(member: number, templates: readonly string[], until: number): number {
    let least = templates.length === 0 ? 0 : MOST_DELIVERIES;
    for (const template of templates) {
      const { n } = db.get<{ n: number }>(
        `SELECT count(*) AS n FROM (
           SELECT DISTINCT recipient FROM outcome INDEXED BY outcome_template
           WHERE member = ? AND template = ? AND template IS NOT NULL AND hard = 0 AND at > ? AND at <= ? LIMIT ${MOST_DELIVERIES})`,
        member,
        template,
        until - BOUNCE_WINDOW.reachMs,
        until,
      )!;
      least = Math.min(least, n);
      if (least === 0) break;
    }
    return least;
  }

  function isKnown(member: number, recipient: string, until: number): boolean {
    return (
      db.get(
        "SELECT 1 FROM outcome WHERE member = ? AND recipient = ? AND hard = 0 AND at > ? AND at <= ? LIMIT 1",
        member,
        recipient,
        until - BOUNCE_WINDOW.reachMs,
        until,
      ) !== undefined
    );
  }

  return (member: number, credential: string, at: number): BreakerWindow | undefined => {
    const pause = openPause(member, credential, at);
    if (!pause) return undefined;
    const { templates, wanted, mail } = suspects(credential, pause, at);
    const settled = pause.at - SETTLED_MS;
    const recipients = new Set(mail.flatMap(({ who }) => listed(who).map(({ recipient }) => recipient)));
    const known = [...recipients].filter((recipient) => isKnown(member, recipient, settled)).length;
    const messages = new Set(mail.map(({ message }) => message));
    const complaints = db.all<{ message: string; complainant: string }>(
      "SELECT message, complainant FROM complaint WHERE member = ? AND at > ? AND at <= ?",
      member,
      pause.at - BEFORE_MS,
      at,
    );
    const about = complaints.filter(({ message }) => messages.has(message));
    return {
      cause: pause.cause,
      templates: templates.length,
      template_deliveries: leastDelivered(member, templates, settled),
      recipients: recipients.size,
      known_share: recipients.size === 0 ? 0 : known / recipients.size,
      first_time_hard: trials.firstTimeHard(
        { member, credential },
        { since: pause.at - BEFORE_MS, at },
        wanted,
      ),
      complainants: new Set(about.map(({ complainant }) => complainant)).size,
      confirmable: OF_A_BREAKER.has(pause.cause),
    };
  };
}
