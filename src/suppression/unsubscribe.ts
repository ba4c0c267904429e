import { createCipheriv, createDecipheriv } from "node:crypto";
import { DAY_MS } from "../lib/clock.ts";
import { secureRandom, type RandomBytes } from "../lib/ids.ts";

/** Who does not want whose bulk mail any more. */
export type Unsubscriber = {
  did: string;
  /** Domain of `From:`. */
  from: string;
  /** The recipient: keyed hash, and domain. */
  key: string;
  domain: string;
  /** Of the message, in days since the epoch. */
  day: number;
};

/** The token names everything that is needed for so long, whatever relay nodes have forgotten. */
const LIFETIME_DAYS = 400;
const NONCE = 12;
const TAG = 16;
const MOST_CHARS = 1_500;
const VERSION = 1;
const CONTEXT = Buffer.from("atmosphere-mail unsubscribe");

export type UnsubscribeTokens = ReturnType<typeof createUnsubscribeTokens>;

/**
 * The opaque part of a List-Unsubscribe address (RFC 8058 section 3.1: hard to forge, and it names list and recipient):
 * AES-256-GCM of who it is, so that it is no secret's container to a stranger and no address can be guessed into it.
 * `key`: 32 octets.
 */
export function createUnsubscribeTokens(key: Uint8Array, random: RandomBytes = secureRandom) {
  return {
    make(who: Unsubscriber): string {
      const nonce = random(NONCE);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      cipher.setAAD(CONTEXT);
      const text = [VERSION, who.day, who.key, who.domain, who.from, who.did].join("\n");
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString("base64url");
    },
    /** Undefined: it is none of ours, or older than 400 days at `now` (ms since the epoch). */
    read(token: string, now: number): Unsubscriber | undefined {
      if (token.length > MOST_CHARS || !/^[\w-]+$/.test(token)) return undefined;
      const bytes = Buffer.from(token, "base64url");
      if (bytes.length <= NONCE + TAG) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAAD(CONTEXT);
      decipher.setAuthTag(bytes.subarray(-TAG));
      let text: string;
      try {
        text = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString(
          "utf8",
        );
      } catch {
        return undefined;
      }
      const [version, days, recipient = "", domain = "", from = "", did = ""] = text.split("\n");
      const day = Number(days);
      if (version !== String(VERSION) || Math.floor(now / DAY_MS) - day > LIFETIME_DAYS) return undefined;
      return { did, from, key: recipient, domain, day };
    },
  };
}
