/**
 * Every way a submission can end has one name. It stands at the end of the reply (` [name]`), in the log, in the metric
 * and in the event. `reply` is what the name says by itself; where a case has a more exact code, its place says so.
 */
export const OUTCOMES = {
  ok: { code: 250, enhanced: "2.0.0", meaning: "Accepted; it leaves at once." },
  paced: {
    code: 250,
    enhanced: "2.0.0",
    meaning: "Accepted; a limit lets it leave within ten minutes, the reply says when.",
  },
  paused: {
    code: 250,
    enhanced: "2.0.0",
    meaning: "Held: a person or a rule paused the member or the credential.",
  },
  content: {
    code: 250,
    enhanced: "2.0.0",
    meaning: "Held by the breaker: an unseen template to more than 50 first-time recipients.",
  },
  "first-contact": {
    code: 250,
    enhanced: "2.0.0",
    meaning: "Held by the breaker: 5 hard bounces among the last 20 first-time recipients.",
  },
  "domain-held": {
    code: 250,
    enhanced: "2.0.0",
    meaning: "Held: the DNS records of the domain do not pass their check.",
  },
  signing: { code: 250, enhanced: "2.0.0", meaning: "Held: it could not be signed." },
  applicant: { code: 550, enhanced: "5.7.1", meaning: "A person has not approved the application yet." },
  left: { code: 550, enhanced: "5.7.1", meaning: "The member has left." },
  suspended: { code: 550, enhanced: "5.7.1", meaning: "The member is suspended; the reply links to why." },
  ejected: { code: 550, enhanced: "5.7.1", meaning: "The membership was ended; the reply links to why." },
  revoked: { code: 535, enhanced: "5.7.8", meaning: "The credential was revoked." },
  auth: { code: 535, enhanced: "5.7.8", meaning: "No log-in, or one that failed." },
  "foreign-domain": {
    code: 550,
    enhanced: "5.7.1",
    meaning: "The sender's domain is not one of the credential.",
  },
  stream: { code: 550, enhanced: "5.7.1", meaning: "The credential does not send this stream." },
  "bulk-on-probation": {
    code: 550,
    enhanced: "5.7.1",
    meaning: "On probation only transactional mail is taken; the reply links to why.",
  },
  suppressed: {
    code: 550,
    enhanced: "5.1.1",
    meaning: "The recipient bounced, complained or unsubscribed before: the reply says more.",
  },
  "one-each": {
    code: 550,
    enhanced: "5.5.3",
    meaning: "Bulk mail to several recipients without a `List-Unsubscribe` of its own.",
  },
  "too-many-at-once": {
    code: 550,
    enhanced: "5.5.3",
    meaning: "More recipients in one message than a limit ever lets through at once.",
  },
  "over-limit": { code: 451, enhanced: "4.7.1", meaning: "The member's limit is used up." },
  "over-domain-limit": { code: 451, enhanced: "4.7.1", meaning: "The limit of a young domain is used up." },
  "over-credential-limit": { code: 451, enhanced: "4.7.1", meaning: "The credential's own cap is used up." },
  spray: {
    code: 451,
    enhanced: "4.7.1",
    meaning: "Too many first-time recipients in an hour from one credential.",
  },
  "dead-contacts": {
    code: 451,
    enhanced: "4.7.1",
    meaning: "Of the last new recipients too many do not exist: others are written to slowly.",
  },
  "over-pool-limit": { code: 451, enhanced: "4.7.1", meaning: "The pool sends no more for now." },
  "over-provider-limit": {
    code: 451,
    enhanced: "4.7.1",
    meaning: "The pool's warm-up at that provider is used up for the day.",
  },
  "held-full": {
    code: 451,
    enhanced: "4.7.1",
    meaning: "Sending is paused, and twice the hourly limit is waiting already.",
  },
  draining: {
    code: 451,
    enhanced: "4.3.2",
    meaning: "This node is being emptied; the others of the pool take mail.",
  },
  "cut-off": {
    code: 451,
    enhanced: "4.3.2",
    meaning: "This node has lost core: it takes mail of members in good standing, and after a day of nobody.",
  },
  "disk-full": { code: 452, enhanced: "4.3.1", meaning: "No room in the spool." },
  internal: { code: 451, enhanced: "4.3.0", meaning: "The message could not be stored; nothing was taken." },
  malformed: {
    code: 550,
    enhanced: "5.6.0",
    meaning: "A command, an address or the message breaks a standard.",
  },
  "too-large": { code: 552, enhanced: "5.3.4", meaning: "The message is larger than this server takes." },
  loop: { code: 554, enhanced: "5.4.6", meaning: "The message has passed too many servers." },
  "unknown-command": { code: 500, enhanced: "5.5.2", meaning: "The server has no such command." },
  "bad-sequence": { code: 503, enhanced: "5.5.1", meaning: "The command has its place, and not here." },
  "too-many-errors": {
    code: 421,
    enhanced: "4.7.0",
    meaning: "Ten unknown commands, or ten commands without a log-in: the connection ends.",
  },
  "not-smtp": {
    code: 421,
    enhanced: "4.7.0",
    meaning: "Something was said before the greeting, or in HTTP: the connection ends.",
  },
  "too-many-connections": {
    code: 421,
    enhanced: "4.7.0",
    meaning: "Too many are open, from one address or at all: the connection ends.",
  },
  timeout: {
    code: 421,
    enhanced: "4.4.2",
    meaning: "No log-in, no end of a message, or no command in time: the connection ends.",
  },
  "shutting-down": { code: 421, enhanced: "4.3.2", meaning: "This server is being ended or started anew." },
} as const satisfies Record<string, { code: number; enhanced: string; meaning: string }>;

export type DecisionReason = keyof typeof OUTCOMES;

/** Why a node's breaker paused a credential. */
export type PauseCause = Extract<DecisionReason, "content" | "first-contact">;

/** The text of a reply that is not a plain yes: it ends with the name of the outcome. */
export function named(reason: DecisionReason, text: string): string {
  return `${clean(text, 420)} [${reason}]`;
}

/** One line of printable ASCII and bounded length, for a reply. */
export function clean(text: string, length = 200): string {
  return text.replace(/[^\x20-\x7e]/g, " ").slice(0, length);
}
