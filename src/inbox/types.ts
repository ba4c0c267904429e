/**
 * `inbox`: a person is to read it. `abuse`: reports of abuse that were made on the page. `machine`: a program wrote it, and
 * it matched nothing. `spam`: nothing shows who sent it.
 */
export const FOLDERS = ["inbox", "abuse", "machine", "spam"] as const;
export type Folder = (typeof FOLDERS)[number];

/** What it is; `complaint`: one that matches no message of ours. */
const ENTRY_KINDS = ["message", "complaint", "bounce", "report", "auto-reply", "abuse-report"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export const ENTRY_STATES = ["open", "done"] as const;
export type EntryState = (typeof ENTRY_STATES)[number];

export const ABUSE_KINDS = ["phishing", "spam", "malware", "harassment", "other"] as const;
export type AbuseKind = (typeof ABUSE_KINDS)[number];

/** What became of a report; with `need-more` it stays open. */
export const ABUSE_OUTCOMES = ["acted", "no-breach", "not-ours", "need-more"] as const;
export type AbuseOutcome = (typeof ABUSE_OUTCOMES)[number];

/** What a stranger reports of a mail. */
export type AbuseReport = {
  /** By which whoever reports sees what becomes of it; only its hash is kept. */
  reference: string;
  kind: AbuseKind;
  /** Who signed the mail, as its header says. */
  domains: string[];
  /** The message of ours whose mark the header carries; null: it carries none. */
  message: { id: string; did: string } | null;
};

export type AbuseAnswer = { outcome: AbuseOutcome; words: string; at: number };
export type AbuseFacts = Omit<AbuseReport, "reference"> & { answer: AbuseAnswer | null };

/** What whoever reported may see. */
export type AbuseStatus = Pick<AbuseFacts, "kind" | "domains" | "answer"> & {
  at: number;
  state: EntryState;
  /** Somebody takes care of it. */
  isTaken: boolean;
  /** It was put aside, unanswered. */
  isAside: boolean;
};

/** A mail that is to be kept. */
export type NewEntry = {
  raw: Uint8Array;
  folder: Folder;
  kind: EntryKind;
  /** The address of ours that it was sent to. */
  to: string;
  /** MAIL FROM; empty: the null sender. */
  mailFrom: string;
  /** Why it is here, a sentence. */
  why: string;
  /** The value of `Authentication-Results`. */
  authentication: string;
  /** Id in the spool of the mail by which it is forwarded; null: it is not. */
  forward: string | null;
  /** Ms since the epoch. */
  at: number;
  abuse?: AbuseReport;
};

export type EntryView = Omit<NewEntry, "raw" | "abuse"> & {
  id: number;
  /** `From:` and `Subject:` as they can be shown: one line, without control characters. */
  from: string;
  subject: string;
  size: number;
  state: EntryState;
  /** The person who takes care of it. */
  assigned: string | null;
};

export type EntryDetail = EntryView & {
  /** The text that a person would read, at most 64 KiB of it. */
  text: string;
  /** Names and sizes of what is attached; never opened here. */
  attachments: { name: string; type: string; size: number }[];
  /** Where an answer goes, or null when the mail names no address that can be one. */
  replyTo: string | null;
  messageId: string;
  date: string;
  /** Of an abuse report; null of other mail. */
  abuse: AbuseFacts | null;
  /** What people did with it, oldest first. */
  traces: { at: number; by: string; what: string; note: string }[];
};

/** What a person does with an entry. */
export const ENTRY_ACTIONS = ["done", "reopen", "assign", "spam", "not-spam"] as const;
export type EntryAction = (typeof ENTRY_ACTIONS)[number];

export type AnswerRequest = AbuseAnswer & { by: string };

export type EntryRequest = {
  action: EntryAction;
  by: string;
  /** Words for the record. */
  note: string;
  /** With `assign`: to whom; empty: to nobody. */
  to?: string;
  at: number;
};
