import { createHmac } from "node:crypto";
import { z } from "zod";
import { secureRandom, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import type { Identity } from "./identity.ts";

export const SESSION_LIFETIME_MS = 12 * 60 * 60_000;

/** A session as its owner reads it. `id` names it, and opens nothing. Times in ms since the epoch. */
export type SessionView = {
  id: string;
  beganAt: number;
  seenAt: number;
  expiresAt: number;
  /** What the browser called itself when it began. */
  browser: string;
};

/** `did`: the account that logged in, or the member whose link opened it. */
export type Session = SessionView & { identity: Identity; did: string | null };
export type SessionResult = { ok: true; session: Session } | { ok: false; reason: "absent" | "expired" };
export type Sessions = ReturnType<typeof createSessions>;

type Row = {
  id: string;
  who: string;
  did: string | null;
  began_at: number;
  seen_at: number;
  expires_at: number;
  browser: string;
};

const ID_BYTES = 32;
const LONGEST_BROWSER = 200;
/** So often at most it is written down that a session is used. */
const SEEN_EVERY_MS = 60_000;
const MOST_SESSIONS = 50;

const Who = z.union([
  z.object({ role: z.literal("committee"), by: z.string().optional() }),
  z.object({ role: z.enum(["member", "person"]), did: z.string() }),
]);

/**
 * Sessions of browsers. What a cookie carries (32 random octets, base64url) is kept as a hash only: who reads the database
 * opens no page. Each login makes another one, and an ended one opens nothing, wherever its cookie is. With another `key`
 * (32 octets) none of them opens anything. `committee`: accounts that are the committee, as long as they stand there.
 */
export function createSessions(
  db: Database,
  key: Uint8Array,
  committee: readonly string[] = [],
  random: RandomBytes = secureRandom,
) {
  const hash = (secret: string) => createHmac("sha256", key).update(secret).digest("base64url");
  const find = (id: string) => db.get<Row>("SELECT * FROM web_session WHERE id = ?", id);
  return {
    /** Begins one and gives what the cookie carries. */
    begin(identity: Identity, now: number, browser = ""): string {
      const secret = Buffer.from(random(ID_BYTES)).toString("base64url");
      db.transaction(() => {
        db.run("DELETE FROM web_session WHERE expires_at <= ?", now);
        db.run(
          "INSERT INTO web_session (id, who, did, began_at, seen_at, expires_at, browser) VALUES (?, ?, ?, ?, ?, ?, ?)",
          hash(secret),
          JSON.stringify(identity),
          "did" in identity ? identity.did : null,
          now,
          now,
          now + SESSION_LIFETIME_MS,
          browser.slice(0, LONGEST_BROWSER),
        );
      });
      return secret;
    },

    read(secret: string | undefined, now: number): SessionResult {
      if (secret === undefined || !/^[\w-]{43}$/.test(secret)) return { ok: false, reason: "absent" };
      const row = find(hash(secret));
      if (!row) return { ok: false, reason: "absent" };
      if (row.expires_at <= now) return { ok: false, reason: "expired" };
      if (now - row.seen_at >= SEEN_EVERY_MS)
        db.run("UPDATE web_session SET seen_at = ? WHERE id = ?", now, row.id);
      return { ok: true, session: { ...view(row), identity: identityIn(row.who, committee), did: row.did } };
    },

    end(secret: string | undefined): void {
      if (secret !== undefined) db.run("DELETE FROM web_session WHERE id = ?", hash(secret));
    },

    /** Those of an account (a person's, or a member's opened by links), the latest used first. */
    of: (did: string, now: number): SessionView[] =>
      db
        .all<Row>(
          "SELECT * FROM web_session WHERE did = ? AND expires_at > ? ORDER BY seen_at DESC, id LIMIT ?",
          did,
          now,
          MOST_SESSIONS,
        )
        .map(view),

    /** Ends one of an account's sessions, or all but `keep`. Gives how many ended. */
    endOf(did: string, which: { id: string } | { keep: string | null }): number {
      const { changes } =
        "id" in which
          ? db.run("DELETE FROM web_session WHERE did = ? AND id = ?", did, which.id)
          : db.run("DELETE FROM web_session WHERE did = ? AND id IS NOT ?", did, which.keep);
      return Number(changes);
    },
  };
}

function identityIn(text: string, committee: readonly string[]): Identity {
  const who = Who.parse(JSON.parse(text));
  if (who.role === "person" && committee.includes(who.did)) return { role: "committee", by: who.did };
  if (who.role !== "committee") return who;
  return { role: who.role, ...(who.by !== undefined && { by: who.by }) };
}

function view({ id, began_at, seen_at, expires_at, browser }: Row): SessionView {
  return { id, beganAt: began_at, seenAt: seen_at, expiresAt: expires_at, browser };
}
