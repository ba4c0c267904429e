import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { isPublicAddress, type Resolver } from "../protocol/dns/index.ts";
import { lookupBy } from "./https-text.ts";

export type HttpsPostOptions = {
  /** Names are looked up here, not in the host's own way. */
  resolver: Resolver;
  /** Sandbox and tests: loopback and private addresses are allowed too. Default false. */
  allowPrivate?: boolean;
  /** From the first packet to the end of the answer. */
  timeoutMs: number;
};

export type Posted =
  /** `untrusted`: why nobody known stands behind the receiver's certificate (OpenSSL's code), or undefined. */
  | { ok: true; untrusted: string | undefined }
  /** `late`: it was not there within the time. */
  | { ok: false; why: string; late?: true };

export type PostHttps = (url: string, type: string, body: Uint8Array) => Promise<Posted>;

/**
 * Posts over HTTPS to a URL that an outsider chose: only to addresses of the internet, without redirects, within a deadline;
 * of the answer only the status counts. The receiver's certificate is looked at and told, not asked for (RFC 8460 section
 * 5.4): for what may be read by anybody. Never rejects.
 */
export function createHttpsPost({ resolver, allowPrivate = false, timeoutMs }: HttpsPostOptions): PostHttps {
  const lookup = lookupBy(resolver, allowPrivate);
  return (url, type, body) =>
    new Promise((resolve) => {
      const target = new URL(url);
      const host = target.hostname.replace(/^\[|\]$/g, "");
      if (target.protocol !== "https:") return resolve({ ok: false, why: "is no https URL" });
      // Node decodes a user name, and throws where it cannot.
      if (target.username || target.password)
        return resolve({ ok: false, why: "has a user name in its URL" });
      // What is an address already is not looked up.
      if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host))
        return resolve({ ok: false, why: `${host} is no public address` });
      const asked = request(
        target,
        {
          method: "POST",
          lookup,
          agent: false,
          minVersion: "TLSv1.2",
          rejectUnauthorized: false,
          headers: { "content-type": type, "content-length": body.length },
        },
        (response) => end(judge(response)),
      );
      const timer = setTimeout(
        () => end({ ok: false, late: true, why: `no answer within ${timeoutMs} ms` }),
        timeoutMs,
      );
      function end(result: Posted): void {
        clearTimeout(timer);
        resolve(result);
        asked.destroy();
      }
      asked.on("error", (error) => end({ ok: false, why: error.message.slice(0, 300) }));
      asked.end(body);
    });
}

function judge({ statusCode = 0, socket }: IncomingMessage): Posted {
  if (statusCode < 200 || statusCode > 299) return { ok: false, why: `HTTP status ${statusCode}` };
  const { authorized, authorizationError } = socket as TLSSocket;
  return { ok: true, untrusted: authorized ? undefined : String(authorizationError) };
}
