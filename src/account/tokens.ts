import { createHash } from "node:crypto";
import { base32, secureRandom, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import { TOKEN_SCOPES, type TokenScope } from "./token-access.ts";

/** What a token is, without what it says. Times in ms since the epoch. */
export type TokenView = {
  id: string;
  name: string;
  scopes: TokenScope[];
  madeBy: string;
  madeAt: number;
  endsAt: number;
  /** To the minute; null: never. */
  usedAt: number | null;
  revoked: { at: number; by: string } | null;
};
export type NewToken = { name: string; scopes: readonly TokenScope[]; days: number };
export type TokenResult =
  | { ok: true; member: string; token: TokenView }
  | { ok: false; reason: "unknown" | "ended" | "revoked" };
export type Tokens = ReturnType<typeof createTokens>;

type Row = {
  id: string;
  did: string;
  name: string;
  scopes: string;
  made_by: string;
  made_at: number;
  ends_at: number;
  used_at: number | null;
  revoked_at: number | null;
  revoked_by: string | null;
};

export const TOKEN_PREFIX = "atmt_";
export const TOKEN_DAYS = { usual: 90, most: 366 } as const;
export const MOST_TOKENS = 20;
const TOKEN_BYTES = 32;
const ID_BYTES = 8;
const DAY_MS = 86_400_000;
/** So long a token is shown after its end. */
const SHOWN_MS = 30 * DAY_MS;
/** So often at most it is written down that a token is used. */
const USED_EVERY_MS = 60_000;

/** Of 256 random bits, so that nobody guesses what was hashed. */
const hash = (secret: string) => createHash("sha256").update(secret).digest("base64url");

/** Tokens with which a member's programs call in its name. What opens is kept as a hash only, and shown once. */
export function createTokens(db: Database, random: RandomBytes = secureRandom) {
  const inUse = (did: string, now: number) =>
    db.get<{ n: number }>(
      "SELECT count(*) AS n FROM member_token WHERE did = ? AND revoked_at IS NULL AND ends_at > ?",
      did,
      now,
    )!.n;

  return {
    /** Makes one; null: the member has as many in use as it may. */
    make(
      did: string,
      { name, scopes, days }: NewToken,
      by: string,
      now: number,
    ): { secret: string; token: TokenView } | null {
      const secret = `${TOKEN_PREFIX}${Buffer.from(random(TOKEN_BYTES)).toString("base64url")}`;
      const id = base32(random(ID_BYTES));
      return db.transaction(() => {
        db.run("DELETE FROM member_token WHERE coalesce(revoked_at, ends_at) <= ?", now - SHOWN_MS);
        if (inUse(did, now) >= MOST_TOKENS) return null;
        db.run(
          `INSERT INTO member_token (id, did, hash, name, scopes, made_by, made_at, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
          id,
          did,
          hash(secret),
          name,
          JSON.stringify(TOKEN_SCOPES.filter((scope) => scopes.includes(scope))),
          by,
          now,
          now + days * DAY_MS,
        );
        return { secret, token: view(db.get<Row>("SELECT * FROM member_token WHERE id = ?", id)!) };
      });
    },

    read(secret: string, now: number): TokenResult {
      const row = db.get<Row>("SELECT * FROM member_token WHERE hash = ?", hash(secret));
      if (row === undefined) return { ok: false, reason: "unknown" };
      if (row.revoked_at !== null) return { ok: false, reason: "revoked" };
      if (row.ends_at <= now) return { ok: false, reason: "ended" };
      if (now - (row.used_at ?? -Infinity) >= USED_EVERY_MS)
        db.run("UPDATE member_token SET used_at = ? WHERE id = ?", minuteOf(now), row.id);
      return { ok: true, member: row.did, token: view(row) };
    },

    /** Those in use first, then the newest. */
    of: (did: string, now: number): TokenView[] =>
      db
        .all<Row>(
          `SELECT * FROM member_token WHERE did = ? AND coalesce(revoked_at, ends_at) > ?
           ORDER BY revoked_at IS NOT NULL OR ends_at <= ?, made_at DESC, id LIMIT 200`,
          did,
          now - SHOWN_MS,
          now,
        )
        .map(view),

    /** False: the member has none of this id in use. */
    revoke: (did: string, id: string, by: string, now: number): boolean =>
      db.run(
        "UPDATE member_token SET revoked_at = ?, revoked_by = ? WHERE did = ? AND id = ? AND revoked_at IS NULL AND ends_at > ?",
        now,
        by,
        did,
        id,
        now,
      ).changes > 0,

    /** Those that somebody made who acts for the member no more. Gives how many. */
    revokeOf: (did: string, madeBy: string, by: string, now: number): number =>
      Number(
        db.run(
          "UPDATE member_token SET revoked_at = ?, revoked_by = ? WHERE did = ? AND made_by = ? AND revoked_at IS NULL",
          now,
          by,
          did,
          madeBy,
        ).changes,
      ),

    /** Of a member that left. */
    clear: (did: string): void => void db.run("DELETE FROM member_token WHERE did = ?", did),
  };
}

/** Whether it opens anything now. */
export const isTokenInUse = ({ revoked, endsAt }: TokenView, now: number): boolean =>
  revoked === null && endsAt > now;

const minuteOf = (at: number) => at - (at % 60_000);

function view(row: Row): TokenView {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as TokenScope[],
    madeBy: row.made_by,
    madeAt: row.made_at,
    endsAt: row.ends_at,
    usedAt: row.used_at,
    revoked: row.revoked_at === null ? null : { at: row.revoked_at, by: row.revoked_by ?? "" },
  };
}
