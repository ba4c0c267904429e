/** `inbox`: a person is to read it. `machine`: a program wrote it, and it matched nothing. `spam`: nothing shows who sent it. */
export const FOLDERS = ["inbox", "machine", "spam"] as const;
export type Folder = (typeof FOLDERS)[number];

/** What it is; `complaint`: one that matches no message of ours. */
const ENTRY_KINDS = ["message", "complaint", "bounce", "report", "auto-reply"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export const ENTRY_STATES = ["open", "done"] as const;
export type EntryState = (typeof ENTRY_STATES)[number];

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
};

export type EntryView = Omit<NewEntry, "raw"> & {
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
  /** What people did with it, oldest first. */
  traces: { at: number; by: string; what: string; note: string }[];
};

/** What a person does with an entry. */
export const ENTRY_ACTIONS = ["done", "reopen", "assign", "spam", "not-spam"] as const;
export type EntryAction = (typeof ENTRY_ACTIONS)[number];

export type EntryRequest = {
  action: EntryAction;
  by: string;
  /** Words for the record. */
  note: string;
  /** With `assign`: to whom; empty: to nobody. */
  to?: string;
  at: number;
};
