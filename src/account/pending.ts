import { createCipheriv, createDecipheriv } from "node:crypto";
import { secureRandom, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";

/** As long as a login may take. */
export const PENDING_MS = 60 * 60_000;

const NONCE = 12;
const TAG = 16;
/** Logins that were begun and not ended; whoever begins more pushes out the oldest. */
const MOST_PENDING = 10_000;

/** Values that live for an hour at most, sealed with AES-256-GCM under `key` (32 octets); `kind` and `key` of a value are bound to it. */
export function createPending(
  db: Database,
  key: Uint8Array,
  now: () => number,
  random: RandomBytes = secureRandom,
) {
  const box = createBox(key, random);
  return <V>(kind: "state" | "tokens") => ({
    async get(name: string): Promise<V | undefined> {
      const row = db.get<{ sealed: Uint8Array }>(
        "SELECT sealed FROM oauth_pending WHERE kind = ? AND key = ? AND expires_at > ?",
        kind,
        name,
        now(),
      );
      const text = row && box.open(row.sealed, `${kind}\n${name}`);
      return text === undefined ? undefined : (JSON.parse(text) as V);
    },
    async set(name: string, value: V): Promise<void> {
      db.transaction(() => {
        db.run("DELETE FROM oauth_pending WHERE expires_at <= ?", now());
        db.run(
          `DELETE FROM oauth_pending WHERE (kind, key) IN
             (SELECT kind, key FROM oauth_pending ORDER BY expires_at DESC LIMIT -1 OFFSET ?)`,
          MOST_PENDING,
        );
        db.run(
          `INSERT INTO oauth_pending (kind, key, sealed, expires_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (kind, key) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at`,
          kind,
          name,
          box.seal(JSON.stringify(value), `${kind}\n${name}`),
          now() + PENDING_MS,
        );
      });
    },
    async del(name: string): Promise<void> {
      db.run("DELETE FROM oauth_pending WHERE kind = ? AND key = ?", kind, name);
    },
  });
}

/** AES-256-GCM: nonce, ciphertext, tag; bound to `context`. */
export function createBox(key: Uint8Array, random: RandomBytes = secureRandom) {
  return {
    seal(text: string, context: string): Uint8Array {
      const nonce = random(NONCE);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      cipher.setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    },
    /** Undefined: sealed with another key, for another context, or altered. */
    open(sealed: Uint8Array, context: string): string | undefined {
      const bytes = Buffer.from(sealed);
      if (bytes.length < NONCE + TAG) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString(
          "utf8",
        );
      } catch {
        return undefined;
      }
    },
  };
}
