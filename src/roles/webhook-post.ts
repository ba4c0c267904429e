import { randomBytes } from "node:crypto";
import type { Config, Secrets } from "../platform/config/index.ts";
import { createSafeFetch, type SafeFetch } from "../platform/fetch.ts";
import type { Answer, Post, WebhookOptions } from "../webhook/index.ts";
import { derive } from "./keys.ts";

const MOST_BYTES = 64 * 1024;
const WITHIN_MS = 10_000;

/** Over HTTPS with a certificate that is checked, to addresses of the internet only; no redirects. */
export function webhookParts(
  config: Pick<Config, "ALLOW_PRIVATE_NETWORK">,
  secrets: Secrets,
): Pick<WebhookOptions, "post" | "key" | "allowPrivate"> {
  const allowPrivate = config.ALLOW_PRIVATE_NETWORK;
  const fetch = createSafeFetch({ allowPrivate, maxBytes: MOST_BYTES, timeoutMs: WITHIN_MS });
  return {
    post: postBy(fetch),
    // A process without a secret of core has no pages and no API, so nobody can name a receiver.
    key: secrets.core ? derive(secrets.core, "webhook") : randomBytes(32),
    allowPrivate,
  };
}

function postBy(fetch: SafeFetch): Post {
  return async (url, headers, body): Promise<Answer> => {
    try {
      const response = await fetch(url, { method: "POST", headers, body });
      await response.body?.cancel();
      const { status } = response;
      return response.ok ? { ok: true, status } : { ok: false, status, why: `HTTP status ${status}` };
    } catch (error) {
      return { ok: false, status: null, why: wordsOf(error) };
    }
  };
}

/** The innermost reason: what lies around it says no more than that a fetch failed. */
function wordsOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return (inner instanceof Error ? inner.message : String(inner)).slice(0, 300);
}
