import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { randomId } from "../lib/ids.ts";
import { COMMITTEE_PATH, LOGIN_PATH, memberPath } from "./paths.ts";

/** Who may look: the committee at everything, a member at its own page. `by`: the person of the committee, for the record. */
export type Identity = { role: "committee"; by?: string } | { role: "member"; did: string };

/**
 * `link`: opens one session, from the page `/login?token=`. `session`: the cookie. `api`: the command line's. None
 * passes for another.
 */
export type Purpose = "link" | "session" | "api";

export type TokenResult =
  | { ok: true; identity: Identity; expiresAt: number; nonce: string | null }
  | { ok: false; reason: "absent" | "malformed" | "forged" | "expired" };

export const LINK_LIFETIME_MS = 15 * 60_000;
export const SESSION_LIFETIME_MS = 12 * 60 * 60_000;

const MIN_KEY_BYTES = 32;
const NONCE_BYTES = 16;
const MAX_TOKEN_CHARS = 4_096;

const always = { exp: z.number().int(), nonce: z.string().min(16).max(64).optional() };
const Claims = z.union([
  z.strictObject({ role: z.literal("committee"), by: z.string().max(100).optional(), ...always }),
  z.strictObject({ role: z.literal("member"), did: z.string().startsWith("did:"), ...always }),
]);

/**
 * A token `claims.mac`: base64url of JSON, and its HMAC-SHA-256 under the purpose. One with a `nonce` is good for one
 * use. Throws when the key is shorter than 32 bytes.
 */
export function createToken(
  key: Uint8Array,
  purpose: Purpose,
  identity: Identity,
  expiresAt: number,
  nonce?: string,
): string {
  const claims = { ...identity, exp: expiresAt, ...(nonce !== undefined && { nonce }) };
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${body}.${mac(key, purpose, body).toString("base64url")}`;
}

/** Checks the MAC in constant time before anything in the token is read. `now` in ms since the epoch. */
export function readToken(
  key: Uint8Array,
  purpose: Purpose,
  token: string | undefined,
  now: number,
): TokenResult {
  if (!token) return { ok: false, reason: "absent" };
  const [body, given, ...more] = token.length <= MAX_TOKEN_CHARS ? token.split(".") : [];
  if (!body || !given || more.length > 0) return { ok: false, reason: "malformed" };
  const expected = mac(key, purpose, body);
  const presented = Buffer.from(given, "base64url");
  if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) {
    return { ok: false, reason: "forged" };
  }
  const claims = Claims.safeParse(JSON.parse(Buffer.from(body, "base64url").toString()));
  if (!claims.success) return { ok: false, reason: "malformed" };
  const { exp, nonce = null, ...who } = claims.data;
  if (exp <= now) return { ok: false, reason: "expired" };
  return { ok: true, identity: identityOf(who), expiresAt: exp, nonce };
}

function identityOf(
  who: { role: "committee"; by?: string | undefined } | { role: "member"; did: string },
): Identity {
  if (who.role === "member") return who;
  return { role: who.role, ...(who.by !== undefined && { by: who.by }) };
}

/** The address of a page with a button that opens a session, once, before `expiresAt`. */
export function accessLink(
  publicUrl: string,
  key: Uint8Array,
  identity: Identity,
  expiresAt: number,
): string {
  const url = new URL(LOGIN_PATH, publicUrl);
  url.searchParams.set("token", createToken(key, "link", identity, expiresAt, randomId(NONCE_BYTES)));
  return url.href;
}

export type Page = { page: "committee" } | { page: "member"; did: string };

export function mayView(identity: Identity | null, page: Page): "yes" | "log-in" | "forbidden" {
  if (identity === null) return "log-in";
  if (identity.role === "committee") return "yes";
  return page.page === "member" && page.did === identity.did ? "yes" : "forbidden";
}

/** The first page of a session. */
export function homeOf(identity: Identity): string {
  return identity.role === "committee" ? COMMITTEE_PATH : memberPath(identity.did);
}

/**
 * Whether a request that changes something comes from our own pages: the browser says so itself
 * (`Sec-Fetch-Site`), or its `Origin` is ours. A request with neither is refused.
 */
export function isOwnRequest(
  headers: { origin?: string; secFetchSite?: string },
  publicUrl: string,
): boolean {
  if (headers.secFetchSite !== undefined) return headers.secFetchSite === "same-origin";
  return headers.origin === new URL(publicUrl).origin;
}

function mac(key: Uint8Array, purpose: Purpose, body: string): Buffer {
  if (key.length < MIN_KEY_BYTES)
    throw new RangeError(`The session key needs ${MIN_KEY_BYTES} bytes or more`);
  return createHmac("sha256", key).update(`atmos-web-${purpose}-v1.${body}`).digest();
}
