import { isValidDid } from "@atproto/syntax";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import { createRateTable } from "../../lib/rate-table.ts";
import { comailFault, problem, type Answer } from "./outcome.ts";
import type { Login, Refusal } from "../../relay/index.ts";

/** Requests of one address, and those of them that are at fault. */
const RATE = { limit: 600, periodMs: 60_000, burst: 600 };
const FAULT_RATE = { limit: 30, periodMs: 60_000, burst: 30 };
const MAX_CLIENTS = 20_000;
const FAULTS = new Set([400, 401, 403, 404, 413, 422]);

/** Bounds the requests of each address; one that has used up its faults waits with all of them. */
export function createRequestGuard(now: () => number) {
  const rate = createRateTable(RATE, MAX_CLIENTS);
  const faults = createRateTable(FAULT_RATE, MAX_CLIENTS);
  return {
    begin(address: string): Refusal | undefined {
      const free = faults.ask(address, now());
      const taken = free.ok ? rate.take(address, now()) : free;
      if (taken.ok) return undefined;
      const text = "Too many requests from your address, or too many that were at fault";
      return problem("too-many-requests", text, taken.retryAfterMs);
    },
    end(address: string, status: number): void {
      if (FAULTS.has(status)) faults.take(address, now());
    },
  };
}

const PLAINTEXT = problem(
  "https",
  "Use https. The secret of this request has gone over the network in clear: revoke the credential and make a new one",
);

/**
 * TLS ends at a reverse proxy, which says so in `X-Forwarded-Proto`. Where the site is https, nobody else than a proxy
 * or this host itself is served.
 */
export function insecure(
  c: Context,
  trustedProxies: ReadonlySet<string>,
  httpsOnly: boolean,
): Refusal | undefined {
  const peer = (getConnInfo(c).remote.address ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
  const isProxy = trustedProxies.has(peer) || peer === "::1" || peer.startsWith("127.");
  const said = c.req.header("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
  return (isProxy ? said === "http" : httpsOnly) ? PLAINTEXT : undefined;
}

const NO_LOGIN: Refusal = {
  code: 530,
  enhanced: "5.7.0",
  reason: "auth",
  text: "Authenticate with HTTP Basic: the user name and secret of a credential, as for SMTP",
};

/** `Authorization: Basic` (RFC 7617): the credential that is for SMTP too. */
export function basicLogin(c: Context, address: string): Login | Refusal {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,2000}={0,2}) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 1 ? NO_LOGIN : { username: text.slice(0, colon), secret: text.slice(colon + 1), address };
}

/** comail's: the member's DID in `X-Atmos-DID` or `?did=`, a credential's secret as the Bearer key. */
export function comailLogin(c: Context, address: string): Login | Answer {
  const did = c.req.header("x-atmos-did") || c.req.query("did");
  const secret = /^Bearer +([\x21-\x7e]{1,500}) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (!did || !secret)
    return comailFault(400, "AUTH_REQUIRED", "Give X-Atmos-DID (or ?did=) and Authorization: Bearer KEY");
  if (!isValidDid(did) || !/^did:(plc|web):/.test(did))
    return comailFault(400, "INVALID_DID", "This is no did:plc or did:web");
  return { did, secret, address };
}
