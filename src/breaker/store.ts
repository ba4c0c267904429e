import type { Database, Migration } from "../platform/database.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** What members' mail is like. Members are numbers here, recipients keyed hashes: the file holds no address and no text. */
export const habitsMigration: Migration = {
  module: "habits",
  steps: [
    `CREATE TABLE habit_member (id INTEGER PRIMARY KEY, did TEXT NOT NULL UNIQUE) STRICT;
     CREATE TABLE habit_recipient (
       member INTEGER NOT NULL, key BLOB NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
       PRIMARY KEY (member, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX habit_recipient_last ON habit_recipient (last_at);
     CREATE TABLE habit_template (
       member INTEGER NOT NULL, id TEXT NOT NULL, links TEXT NOT NULL, text BLOB NOT NULL, html BLOB NOT NULL,
       masked INTEGER NOT NULL, known INTEGER NOT NULL, deliveries INTEGER NOT NULL,
       last_at INTEGER NOT NULL, bounced_at INTEGER NOT NULL,
       PRIMARY KEY (member, id)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE habit_delivery (
       member INTEGER NOT NULL, template TEXT NOT NULL, recipient BLOB NOT NULL, counts_at INTEGER NOT NULL,
       PRIMARY KEY (member, template, recipient)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE habit_probe (
       member INTEGER NOT NULL, credential TEXT NOT NULL, template TEXT NOT NULL,
       count INTEGER NOT NULL, held INTEGER NOT NULL, last_at INTEGER NOT NULL,
       PRIMARY KEY (member, credential, template)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE habit_contact (
       member INTEGER NOT NULL, credential TEXT NOT NULL, outcomes TEXT NOT NULL, last_at INTEGER NOT NULL,
       PRIMARY KEY (member, credential)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE habit_day (
       member INTEGER NOT NULL, day INTEGER NOT NULL, recipients INTEGER NOT NULL, first_time INTEGER NOT NULL,
       PRIMARY KEY (member, day)
     ) STRICT, WITHOUT ROWID;`,
    `ALTER TABLE habit_probe ADD COLUMN first_at INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE habit_recipient ADD COLUMN by_known INTEGER NOT NULL DEFAULT 0`,
  ],
};

export type Template = Fingerprint & {
  known: boolean;
  /** Those that count by now. */
  deliveries: number;
  lastAt: number;
  bouncedAt: number;
};

type TemplateRow = Omit<Template, "text" | "html" | "known"> & {
  text: Uint8Array;
  html: Uint8Array;
  known: number;
};

export function memberNumber(db: Database, did: string): number {
  const known = db.get<{ id: number }>("SELECT id FROM habit_member WHERE did = ?", did);
  return known?.id ?? db.run("INSERT INTO habit_member (did) VALUES (?)", did).lastInsertRowid;
}

export function templatesOf(db: Database, member: number): Template[] {
  const rows = db.all<TemplateRow>(
    `SELECT id, links, text, html, masked, known, deliveries, last_at AS lastAt, bounced_at AS bouncedAt
     FROM habit_template WHERE member = ?`,
    member,
  );
  return rows.map((row) => ({
    ...row,
    text: words(row.text),
    html: words(row.html),
    known: row.known === 1,
  }));
}

export function saveTemplate(db: Database, member: number, template: Template): void {
  const { id, links, text, html, masked, known, deliveries, lastAt, bouncedAt } = template;
  db.run(
    `INSERT INTO habit_template (member, id, links, text, html, masked, known, deliveries, last_at, bounced_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (member, id) DO UPDATE SET
       known = excluded.known, deliveries = excluded.deliveries,
       last_at = excluded.last_at, bounced_at = excluded.bounced_at`,
    member,
    id,
    links,
    bytes(text),
    bytes(html),
    masked,
    known ? 1 : 0,
    deliveries,
    lastAt,
    bouncedAt,
  );
}

/** The probes of it stay, and count until they are forgiven. */
export function dropTemplate(db: Database, member: number, id: string): void {
  db.run("DELETE FROM habit_template WHERE member = ? AND id = ?", member, id);
  db.run("DELETE FROM habit_probe WHERE member = ? AND template = ? AND count = 0", member, id);
  dropDeliveries(db, member, id);
}

export function dropDeliveries(db: Database, member: number, template: string): void {
  db.run("DELETE FROM habit_delivery WHERE member = ? AND template = ?", member, template);
}

/** When the member first had mail delivered to this recipient, or undefined. */
/** When the first mail was delivered to a recipient, and whether all until now were of known templates. */
export function firstDelivery(
  db: Database,
  member: number,
  key: Uint8Array,
): { at: number; byKnown: boolean } | undefined {
  const row = db.get<{ at: number; by_known: number }>(
    "SELECT first_at AS at, by_known FROM habit_recipient WHERE member = ? AND key = ?",
    member,
    key,
  );
  return row && { at: row.at, byKnown: row.by_known === 1 };
}

export function saveRecipient(
  db: Database,
  member: number,
  key: Uint8Array,
  at: number,
  byKnown: boolean,
): void {
  db.run(
    `INSERT INTO habit_recipient (member, key, first_at, last_at, by_known) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (member, key) DO UPDATE SET
       last_at = max(last_at, excluded.last_at), by_known = min(by_known, excluded.by_known)`,
    member,
    key,
    at,
    at,
    byKnown ? 1 : 0,
  );
}

/** A delivery of a template that is not known yet; one for each recipient, the one that counts earlier. */
export function saveDelivery(
  db: Database,
  member: number,
  template: string,
  recipient: Uint8Array,
  countsAt: number,
): void {
  db.run(
    `INSERT INTO habit_delivery (member, template, recipient, counts_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET counts_at = min(counts_at, excluded.counts_at)`,
    member,
    template,
    recipient,
    countsAt,
  );
}

export function countDeliveries(db: Database, member: number, template: string, now: number): number {
  return db.get<{ n: number }>(
    "SELECT count(*) AS n FROM habit_delivery WHERE member = ? AND template = ? AND counts_at <= ?",
    member,
    template,
    now,
  )!.n;
}

export type Probe = {
  credential: string;
  template: string;
  count: number;
  held: number;
  firstAt: number;
  lastAt: number;
};

export function probesOfMember(db: Database, member: number): Probe[] {
  return db.all<Probe>(
    "SELECT credential, template, count, held, first_at AS firstAt, last_at AS lastAt FROM habit_probe WHERE member = ?",
    member,
  );
}

export function addProbe(db: Database, member: number, probe: Probe): void {
  const { credential, template, count, held, firstAt, lastAt } = probe;
  db.run(
    `INSERT INTO habit_probe (member, credential, template, count, held, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       count = count + excluded.count, held = max(held, excluded.held), last_at = max(last_at, excluded.last_at)`,
    member,
    credential,
    template,
    count,
    held,
    firstAt,
    lastAt,
  );
}

export function dropProbe(db: Database, member: number, credential: string, template: string): void {
  db.run(
    "DELETE FROM habit_probe WHERE member = ? AND credential = ? AND template = ?",
    member,
    credential,
    template,
  );
}

/**
 * Outcomes at first-time recipients: when, whether a hard bounce (1) or not (0), whose, and whether its template was known.
 * The latest of each kind is last.
 */
export type Contacts = [at: number, hard: 0 | 1, recipient: string, known: 0 | 1][];

export function contactsOf(db: Database, member: number, credential: string): Contacts {
  const row = db.get<{ outcomes: string }>(
    "SELECT outcomes FROM habit_contact WHERE member = ? AND credential = ?",
    member,
    credential,
  );
  const stored = row ? (JSON.parse(row.outcomes) as [number, 0 | 1, string, (0 | 1)?][]) : [];
  return stored.map(([at, hard, recipient, known = 0]) => [at, hard, recipient, known]);
}

export function saveContacts(
  db: Database,
  member: number,
  credential: string,
  outcomes: Contacts,
  at: number,
): void {
  db.run(
    `INSERT INTO habit_contact (member, credential, outcomes, last_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET outcomes = excluded.outcomes, last_at = excluded.last_at`,
    member,
    credential,
    JSON.stringify(outcomes),
    at,
  );
}

export function dropContacts(db: Database, member: number, credential: string | null): void {
  db.run(
    "DELETE FROM habit_contact WHERE member = ? AND (? IS NULL OR credential = ?)",
    member,
    credential,
    credential,
  );
}

export function addDay(
  db: Database,
  member: number,
  day: number,
  recipients: number,
  firstTime: number,
): void {
  db.run(
    `INSERT INTO habit_day (member, day, recipients, first_time) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       recipients = recipients + excluded.recipients, first_time = first_time + excluded.first_time`,
    member,
    day,
    recipients,
    firstTime,
  );
}

/** The first day of which something is remembered. */
export function firstDay(db: Database, member: number): number | undefined {
  return (
    db.get<{ day: number | null }>("SELECT min(day) AS day FROM habit_day WHERE member = ?", member)?.day ??
    undefined
  );
}

/** Sums of the `days` days before `today`. */
export function daysBefore(
  db: Database,
  member: number,
  today: number,
  days: number,
): { recipients: number; firstTime: number } {
  return db.get<{ recipients: number; firstTime: number }>(
    `SELECT coalesce(sum(recipients), 0) AS recipients, coalesce(sum(first_time), 0) AS firstTime
     FROM habit_day WHERE member = ? AND day >= ? AND day < ?`,
    member,
    today - days,
    today,
  )!;
}

/** Everything of a member. */
export function dropMember(db: Database, did: string): void {
  const member = memberNumber(db, did);
  for (const table of ["recipient", "template", "delivery", "probe", "contact", "day"]) {
    db.run(`DELETE FROM habit_${table} WHERE member = ?`, member);
  }
  db.run("DELETE FROM habit_member WHERE id = ?", member);
}

export type PruneBefore = { recipient: number; unknown: number; day: number; contact: number };

/** Takes out what is older than the given times, at most `limit` rows of each kind; how many they were. */
export function pruneHabits(db: Database, before: PruneBefore, limit: number): number {
  const drop = (table: string, key: string, where: string, value: number) =>
    db.run(
      `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key.slice(1, -1)} FROM ${table} WHERE ${where} LIMIT ?)`,
      value,
      limit,
    ).changes;
  return (
    drop("habit_recipient", "(member, key)", "last_at < ?", before.recipient) +
    drop("habit_template", "(member, id)", "last_at < ? AND known = 1", before.recipient) +
    drop("habit_template", "(member, id)", "last_at < ? AND known = 0", before.unknown) +
    drop("habit_delivery", "(member, template, recipient)", "counts_at < ?", before.unknown) +
    drop("habit_probe", "(member, credential, template)", "last_at < ?", before.unknown) +
    drop("habit_contact", "(member, credential)", "last_at < ?", before.contact) +
    drop("habit_day", "(member, day)", "day < ?", before.day)
  );
}

const bytes = (sketch: Uint32Array): Uint8Array =>
  new Uint8Array(sketch.buffer, sketch.byteOffset, sketch.byteLength);

/** A copy: the bytes of a row need not begin at a multiple of four. */
const words = (stored: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(stored).buffer);
