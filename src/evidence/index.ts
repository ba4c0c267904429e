import { eventTime, type BounceWindow, type ComplaintWindow, type Envelope } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import {
  BOUNCE_WINDOW,
  COMPLAINT_WINDOW,
  bounceWindow,
  complaintWindow,
  type BounceCounts,
} from "./windows.ts";

export const evidenceMigration: Migration = {
  module: "evidence",
  steps: [
    `CREATE TABLE trial (
       did TEXT NOT NULL, recipient TEXT NOT NULL, day INTEGER NOT NULL, message TEXT NOT NULL,
       hard INTEGER NOT NULL, at INTEGER NOT NULL,
       sent_at INTEGER NOT NULL, PRIMARY KEY (did, recipient, day)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX trial_at ON trial (did, at);
     CREATE TABLE complaint (did TEXT NOT NULL, complainant TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
     CREATE INDEX complaint_at ON complaint (did, at);
     CREATE TABLE volume (
       did TEXT NOT NULL, day INTEGER NOT NULL, provider TEXT NOT NULL, accepted INTEGER NOT NULL DEFAULT 0,
       delivered INTEGER NOT NULL DEFAULT 0, deferred INTEGER NOT NULL DEFAULT 0, bounced INTEGER NOT NULL DEFAULT 0,
       complaints INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (did, day, provider)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX volume_day ON volume (day);
     CREATE TABLE window_start (did TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;`,
  ],
};

/** Providers that send complaints back (Gmail sends none: its figures come as `provider_reported`). */
const WITHOUT_FEEDBACK_LOOP = new Set(["gmail", "apple"]);

const COUNTERS = ["accepted", "delivered", "deferred", "bounced", "complaints"] as const;
export type Counter = (typeof COUNTERS)[number];
export type Volume = { day: number } & Record<Counter, number>;

export type Windows = { bounce: BounceWindow; complaint: ComplaintWindow };

export type Evidence = ReturnType<typeof createEvidence>;

const dayOf = (at: number) => Math.floor(at / DAY_MS);

/** Windowed counts derived from events, in event time. `apply` runs once per event, in the transaction that logs it. */
export function createEvidence(db: Database) {
  function count(did: string, at: number, provider: string, counter: Counter): void {
    db.run(
      `INSERT INTO volume (did, day, provider, ${counter}) VALUES (?, ?, ?, 1)
       ON CONFLICT (did, day, provider) DO UPDATE SET ${counter} = ${counter} + 1`,
      did,
      dayOf(at),
      provider,
    );
  }

  function recordTrial(
    did: string,
    recipient: string,
    message: { id: string; sentAt: number },
    hard: boolean,
    at: number,
  ): void {
    db.run(
      `INSERT INTO trial (did, recipient, day, message, hard, at, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (did, recipient, day) DO UPDATE SET
         message = excluded.message, at = excluded.at, hard = max(hard, excluded.hard), sent_at = excluded.sent_at`,
      did,
      recipient,
      dayOf(at),
      message.id,
      hard ? 1 : 0,
      at,
      message.sentAt,
    );
  }

  /** A DSN after the delivery: the same trial, with its true end. Returns whether there was one. */
  function replaceDelivery(did: string, recipient: string, message: string, at: number): boolean {
    return (
      db.run(
        "UPDATE trial SET hard = 1, at = ? WHERE did = ? AND recipient = ? AND message = ?",
        at,
        did,
        recipient,
        message,
      ).changes > 0
    );
  }

  const windowStart = (did: string) =>
    db.get<{ at: number }>("SELECT at FROM window_start WHERE did = ?", did)?.at ?? 0;

  function bounces(did: string, now: number): BounceWindow {
    const counts = db.get<BounceCounts>(
      `SELECT count(*) AS eligible, coalesce(sum(hard), 0) AS hard,
         count(DISTINCT CASE WHEN hard = 1 THEN recipient END) AS "distinct"
       FROM (SELECT recipient, hard FROM trial WHERE did = ? AND at > ? AND sent_at > ? ORDER BY at DESC LIMIT ?)`,
      did,
      now - BOUNCE_WINDOW.reachMs,
      windowStart(did),
      BOUNCE_WINDOW.lastEligible,
    );
    return bounceWindow(counts!);
  }

  function complaints(did: string, now: number): ComplaintWindow {
    const since = Math.max(windowStart(did), now - COMPLAINT_WINDOW.reachMs);
    const silent = [...WITHOUT_FEEDBACK_LOOP];
    const delivered = db.get<{ n: number }>(
      `SELECT coalesce(sum(delivered), 0) AS n FROM volume
       WHERE did = ? AND day >= ? AND provider NOT IN (${silent.map(() => "?").join(", ")})`,
      did,
      dayOf(since),
      ...silent,
    );
    const rows = db.all<{ complainant: string }>(
      "SELECT complainant FROM complaint WHERE did = ? AND at > ?",
      did,
      since,
    );
    return complaintWindow(
      delivered?.n ?? 0,
      rows.map((row) => row.complainant),
    );
  }

  return {
    /** Takes the event into account. */
    apply(envelope: Envelope): void {
      const { action_name, data } = envelope.data;
      const did = data.member.did;
      const at = eventTime(envelope);
      const provider = data.smtp?.provider ?? "other";
      const recipient = data.recipient?.key;
      const message = { id: data.message?.id ?? "", sentAt: data.message?.received_at ?? at };
      if (action_name === "message_accepted") count(did, at, "", "accepted");
      if (action_name === "recipient_deferred") count(did, at, provider, "deferred");
      if (action_name === "recipient_delivered") {
        count(did, at, provider, "delivered");
        if (recipient) recordTrial(did, recipient, message, false, at);
      }
      if (action_name === "recipient_bounced" || action_name === "recipient_expired") {
        count(did, at, provider, "bounced");
        if (recipient && isHardBounce(envelope)) {
          const replaced = data.late === true && replaceDelivery(did, recipient, message.id, at);
          if (!replaced) recordTrial(did, recipient, message, true, at);
        }
      }
      if (action_name === "complaint_received") {
        count(did, at, provider, "complaints");
        db.run(
          "INSERT INTO complaint (did, complainant, at) VALUES (?, ?, ?)",
          did,
          recipient ?? message.id,
          at,
        );
      }
    },

    /** What a rule should see with an event of this member at this time, once it was taken into account. */
    windows: (did: string, at: number): Windows => ({
      bounce: bounces(did, at),
      complaint: complaints(did, at),
    }),
    bounces,
    complaints,

    /** After a change of standing only mail that was handed in later is evidence. */
    restartWindow(did: string, at: number): void {
      db.run(
        "INSERT INTO window_start (did, at) VALUES (?, ?) ON CONFLICT (did) DO UPDATE SET at = excluded.at",
        did,
        at,
      );
    },

    /** Daily sums over all providers, oldest first; `did` undefined means the whole pool. `day` counts from 1970-01-01. */
    volumes(fromDay: number, did?: string): Volume[] {
      const sums = COUNTERS.map((counter) => `sum(${counter}) AS ${counter}`).join(", ");
      return did === undefined
        ? db.all<Volume>(`SELECT day, ${sums} FROM volume WHERE day >= ? GROUP BY day ORDER BY day`, fromDay)
        : db.all<Volume>(
            `SELECT day, ${sums} FROM volume WHERE day >= ? AND did = ? GROUP BY day ORDER BY day`,
            fromDay,
            did,
          );
    },

    /** Daily sums of one provider and member, oldest first. */
    ofProvider: (provider: string, fromDay: number) =>
      db.all<{ did: string; day: number; delivered: number; complaints: number }>(
        `SELECT did, day, delivered, complaints FROM volume WHERE provider = ? AND day >= ? ORDER BY did, day`,
        provider,
        fromDay,
      ),

    /** Messages accepted per member since `fromDay`. */
    acceptedByMember: (fromDay: number) =>
      db.all<{ did: string; accepted: number }>(
        "SELECT did, sum(accepted) AS accepted FROM volume WHERE day >= ? GROUP BY did",
        fromDay,
      ),
  };
}

/** Only a bad address or domain counts against the member; a block or a policy refusal is not their list's fault. */
function isHardBounce(envelope: Envelope): boolean {
  const smtp = envelope.data.data.smtp;
  return smtp !== undefined && (smtp.class === "bad-mailbox" || smtp.class === "bad-domain");
}
