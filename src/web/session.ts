import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { randomId } from "../lib/ids.ts";
import { roleOf, type Identity, type PersonRole } from "../account/index.ts";
import { COMMITTEE_PATH, LOGIN_PATH, ME_PATH, memberPath } from "./paths.ts";

export type { Identity } from "../account/index.ts";

/** Whom a link can be made for; a person logs in with its own account. */
export type LinkIdentity = Exclude<Identity, { role: "person" }>;

/** `link`: opens one session, from the page `/login?token=`. `api`: the command line's. Neither passes for the other. */
export type Purpose = "link" | "api";

export type TokenResult =
  | { ok: true; identity: LinkIdentity; expiresAt: number; nonce: string | null }
  | { ok: false; reason: "absent" | "malformed" | "forged" | "expired" };

export const LINK_LIFETIME_MS = 15 * 60_000;

const MIN_KEY_BYTES = 32;
const NONCE_BYTES = 16;
const MAX_TOKEN_CHARS = 4_096;
const LONGEST_NEXT = 500;

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
  identity: LinkIdentity,
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
): LinkIdentity {
  if (who.role === "member") return who;
  return { role: who.role, ...(who.by !== undefined && { by: who.by }) };
}

/** The address of a page with a button that opens a session, once, before `expiresAt`. */
export function accessLink(
  publicUrl: string,
  key: Uint8Array,
  identity: LinkIdentity,
  expiresAt: number,
): string {
  const url = new URL(LOGIN_PATH, publicUrl);
  url.searchParams.set("token", createToken(key, "link", identity, expiresAt, randomId(NONCE_BYTES)));
  return url.href;
}

/** `needs`: as whom at least; a viewer where it is left out. */
export type Page = { page: "committee" } | { page: "member"; did: string; needs?: PersonRole };

const RANKS: readonly PersonRole[] = ["viewer", "manager", "owner"];

/** `not-found`: it is another member's, and not even that it is there is told. `forbidden`: it may be read, not more. */
export function mayView(
  identity: Identity | null,
  page: Page,
  personRole: (member: string, person: string) => PersonRole | null = () => null,
): "yes" | "log-in" | "forbidden" | "not-found" {
  if (identity === null) return "log-in";
  if (identity.role === "committee") return "yes";
  if (page.page === "committee") return "forbidden";
  const role = roleOf(identity, page.did, personRole);
  if (role === null || role === "committee") return role === null ? "not-found" : "yes";
  return RANKS.indexOf(role) >= RANKS.indexOf(page.needs ?? "viewer") ? "yes" : "forbidden";
}

/** The first page of a session. */
export function homeOf(identity: Identity): string {
  if (identity.role === "committee") return COMMITTEE_PATH;
  return identity.role === "member" ? memberPath(identity.did) : ME_PATH;
}

/** Where to go on, if it is a path of ours; `home` otherwise. */
export function ownPath(next: string | undefined, publicUrl: string, home: string): string {
  if (next === undefined || next.length > LONGEST_NEXT || !/^\/(?![/\\])/.test(next)) return home;
  const url = URL.parse(next, publicUrl);
  return url?.origin === new URL(publicUrl).origin ? `${url.pathname}${url.search}${url.hash}` : home;
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
