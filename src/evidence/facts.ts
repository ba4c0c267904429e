import { createHash } from "node:crypto";
import { eventTime, type Envelope, type EventData } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Incidents } from "./incidents.ts";

export const COUNTERS = ["accepted", "delivered", "deferred", "bounced", "complaints"] as const;
export type Counter = (typeof COUNTERS)[number];

const dayOf = (at: number) => Math.floor(at / DAY_MS);

const MOST_TEXT = 500;
const MOST_UNDONE = 200;

type About = { member: number; did: string; at: number; sentAt: number; data: EventData };

/** Writes events down as facts, each once, in any order. */
export function createFacts(db: Database, incidents: Pick<Incidents, "refused">) {
  function memberOf(did: string, at: number): number {
    const known = db.get<{ id: number; first_at: number }>(
      "SELECT id, first_at FROM evidence_member WHERE did = ?",
      did,
    );
    if (!known)
      return db.run("INSERT INTO evidence_member (did, first_at) VALUES (?, ?)", did, at).lastInsertRowid;
    if (at < known.first_at) db.run("UPDATE evidence_member SET first_at = ? WHERE id = ?", at, known.id);
    return known.id;
  }

  function count({ did, at, data }: About, counter: Counter, by = 1): void {
    db.run(
      `INSERT INTO volume (did, day, provider, ${counter}) VALUES (?, ?, ?, ?)
       ON CONFLICT (did, day, provider) DO UPDATE SET ${counter} = ${counter} + excluded.${counter}`,
      did,
      dayOf(at),
      counter === "accepted" ? "" : (data.smtp?.provider ?? "other"),
      by,
    );
  }

  function handedIn({ member, sentAt, data }: About, held: boolean): boolean {
    const { message, credential, recipients = [] } = data;
    if (!message) return false;
    const isNew =
      db.run(
        `INSERT OR IGNORE INTO handed_in
           (member, sent_at, message, credential, template, known, held, recipients, first_time, who)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        member,
        sentAt,
        message.id,
        credential ?? null,
        message.template ?? null,
        message.template_known ? 1 : 0,
        held ? 1 : 0,
        message.recipients,
        message.first_time ?? 0,
        recipients.map(({ key, domain }) => `${key} ${domain}`).join(" "),
      ).changes > 0;
    if (!isNew) return false;
    db.run(
      `INSERT INTO handed_in_day (member, credential, day, recipients) VALUES (?, ?, ?, ?)
       ON CONFLICT (member, credential, day) DO UPDATE SET recipients = recipients + excluded.recipients`,
      member,
      credential ?? "",
      dayOf(sentAt),
      message.recipients,
    );
    return true;
  }

  /** `hard`: 1 a domain that is not there, 2 a mailbox. False: it was in the books. */
  function outcome({ member, at, sentAt, data }: About, hard: 0 | 1 | 2): boolean {
    const { recipient, message, smtp, credential } = data;
    if (!recipient) return true;
    const late = data.late === true;
    const provider = smtp?.provider ?? "other";
    const { changes } = db.run(
      `INSERT OR IGNORE INTO outcome
         (member, at, key, recipient, domain, provider, credential, template, message, sent_at, hard, first, late)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      member,
      at,
      shortKey(data.dedupe_key),
      recipient.key,
      recipient.domain,
      provider,
      credential ?? null,
      message?.template ?? null,
      message?.id ?? "",
      sentAt,
      hard,
      recipient.first_time === undefined ? null : recipient.first_time ? 1 : 0,
      late ? 1 : 0,
    );
    if (changes === 0) return false;
    if (hard === 2 && !late && recipient.first_time === false) incidents.refused(provider, at);
    return true;
  }

  /** Who complains twice about a message complained when that was first told. */
  function complaint(about: About): void {
    const { member, at, sentAt, data } = about;
    const { recipient, message, credential } = data;
    const found = db.get<{ at: number }>(
      "SELECT at FROM complaint WHERE member = ? AND message = ? AND complainant = ?",
      member,
      message?.id ?? "",
      recipient?.key ?? "",
    );
    if (found && found.at <= at) return;
    if (found) count({ ...about, at: found.at }, "complaints", -1);
    count(about, "complaints");
    db.run(
      `INSERT INTO complaint (member, message, complainant, at, sent_at, credential) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (member, message, complainant) DO UPDATE SET at = excluded.at, sent_at = excluded.sent_at`,
      member,
      message?.id ?? "",
      recipient?.key ?? "",
      at,
      sentAt,
      credential ?? null,
    );
  }

  function pause({ member, at, data }: About, end: "begun" | "ended"): void {
    const { pause_at: stamp, cause } = data.detail ?? {};
    db.run(
      `INSERT INTO pause_fact (member, credential, at, cause, ${end}) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (member, credential, at, cause) DO UPDATE SET ${end} = min(ifnull(${end}, excluded.${end}), excluded.${end})`,
      member,
      data.credential ?? "",
      typeof stamp === "number" ? stamp : at,
      typeof cause === "string" ? cause : "unknown",
      at,
    );
  }

  /** Of checks without an answer nothing is kept: they neither add to a row nor end it. */
  function check({ member, at, data }: About): void {
    const { result, findings } = data.detail ?? {};
    if (result !== "verified" && result !== "broken") return;
    const failed = (Array.isArray(findings) ? findings : []).find((one) => one?.severity === "fail") ?? {};
    const { message, observed, remedy } = failed as Record<string, unknown>;
    db.run(
      `INSERT OR IGNORE INTO domain_check (member, domain, at, key, passed, record, fix) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      member,
      data.member.domain,
      at,
      shortKey(data.dedupe_key),
      result === "verified" ? 1 : 0,
      result === "verified" ? "" : text(observed ?? message),
      result === "verified" ? "" : text(remedy ?? message),
    );
  }

  function figures({ at, data }: About): void {
    const of = subjectOf(data);
    if (!of) return;
    const { day, revision, figures: told } = data.detail ?? {};
    const rate = (told as Record<string, unknown> | undefined)?.["spam_rate"];
    db.run(
      `INSERT OR IGNORE INTO provider_figure (provider, kind, subject, day, revision, at, spam_rate)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      of.provider,
      of.kind,
      of.subject,
      text(day),
      typeof revision === "number" ? revision : 1,
      at,
      typeof rate === "number" ? rate : null,
    );
  }

  function standing(member: number, at: number, to: string): void {
    db.run("INSERT OR IGNORE INTO standing_fact (member, at, standing) VALUES (?, ?, ?)", member, at, to);
  }

  function takenBack(member: number, times: readonly unknown[], knownAt: number): void {
    for (const at of times.slice(-MOST_UNDONE))
      if (typeof at === "number")
        db.run(
          "INSERT OR IGNORE INTO standing_undone (member, at, known_at) VALUES (?, ?, ?)",
          member,
          at,
          knownAt,
        );
  }

  return {
    memberOf,
    standing,

    apply(envelope: Envelope): void {
      const { action_name: action, data } = envelope.data;
      const { did } = data.member;
      const at = eventTime(envelope);
      const about = { member: memberOf(did, at), did, at, sentAt: data.message?.received_at ?? at, data };
      switch (action) {
        case "message_accepted":
          if (handedIn(about, false) || !data.message) count(about, "accepted");
          return;
        case "message_held":
          handedIn(about, true);
          return;
        case "recipient_deferred":
          count(about, "deferred");
          return;
        case "recipient_delivered":
          if (outcome(about, 0)) count(about, "delivered");
          return;
        case "recipient_bounced":
        case "recipient_expired": {
          const hard = hardnessOf(data);
          if (hard === 0 || outcome(about, hard)) count(about, "bounced");
          return;
        }
        case "complaint_received":
          complaint(about);
          return;
        case "member_paused":
        case "member_resumed":
          pause(about, action === "member_paused" ? "begun" : "ended");
          return;
        case "domain_checked":
          check(about);
          return;
        case "provider_reported":
          figures(about);
          return;
        case "standing_changed": {
          const { at: changedAt, to, undone } = data.detail ?? {};
          const when = typeof changedAt === "number" ? changedAt : at;
          standing(about.member, when, text(to));
          if (Array.isArray(undone)) takenBack(about.member, [...undone, when], when);
        }
      }
    },
  };
}

/**
 * Only a bad address or domain counts against the member; a block or a policy refusal is not their list's fault. A report
 * that anybody could have written (`authentic: false`) suppresses the address, and is no evidence.
 */
function hardnessOf({ smtp, detail, late }: EventData): 0 | 1 | 2 {
  if (late === true && detail?.["authentic"] === false) return 0;
  if (smtp?.class === "bad-mailbox") return 2;
  return smtp?.class === "bad-domain" ? 1 : 0;
}

/** What figures of Gmail are about. */
export function subjectOf({
  detail,
}: EventData): { provider: string; kind: string; subject: string } | undefined {
  const { provider, kind, subject } = detail ?? {};
  if (provider !== "gmail" || typeof kind !== "string" || typeof subject !== "string") return undefined;
  return { provider, kind, subject };
}

const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, MOST_TEXT) : "");

/** 48 bits tell facts of one member and millisecond apart. */
function shortKey(key: string): number {
  return createHash("sha256").update(key).digest().readUIntBE(0, 6);
}
