import type { LookupFunction } from "node:net";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { isPublicAddress, type Resolver } from "../protocol/dns/index.ts";

export type HttpsTextOptions = {
  /** Names are looked up here, not in the host's own way. */
  resolver: Resolver;
  /** Sandbox and tests: loopback and private addresses are allowed too. Default false. */
  allowPrivate?: boolean;
  /** Bytes of the body. */
  maxBytes: number;
  /** From the first packet to the end of the body. */
  timeoutMs: number;
  /** 443 but in tests. */
  port?: number;
  /** PEM, trusted in place of the system's authorities: tests. */
  ca?: string;
};

export type HttpsText =
  | { ok: true; text: string }
  /** `certificate`: it has not the name, has ended, or nobody known stands behind it. */
  | { ok: false; kind: "certificate" | "fetch"; why: string };

export type FetchHttpsText = (url: string) => Promise<HttpsText>;

/**
 * Gets a text of `text/plain` over HTTPS as a policy of MTA-STS is got (RFC 8461 section 3.3): the certificate is
 * checked, a redirect is a fault, size and time are bounded, and only addresses of the internet are asked. Never rejects.
 */
export function createHttpsText(options: HttpsTextOptions): FetchHttpsText {
  const { maxBytes, timeoutMs, port = 443, ca } = options;
  const lookup = lookupBy(options.resolver, options.allowPrivate ?? false);
  return (url) =>
    new Promise((resolve) => {
      const parsed = URL.parse(url);
      if (!parsed) return resolve(fault(`${url} is no URL`));
      const asked = request(
        parsed,
        {
          port,
          lookup,
          agent: false,
          minVersion: "TLSv1.2",
          // Whatever the environment says (NODE_TLS_REJECT_UNAUTHORIZED).
          rejectUnauthorized: true,
          headers: { accept: "text/plain" },
          ...(ca !== undefined && { ca }),
        },
        (response) => void read(response, maxBytes).then(end, (error: Error) => end(faultOf(error))),
      );
      const timer = setTimeout(
        () => end({ ok: false, kind: "fetch", why: `no whole answer within ${timeoutMs} ms` }),
        timeoutMs,
      );
      function end(result: HttpsText): void {
        clearTimeout(timer);
        resolve(result);
        asked.destroy();
      }
      asked.on("error", (error) => end(faultOf(error)));
      asked.end();
    });
}

function fault(why: string): HttpsText {
  return { ok: false, kind: "fetch", why };
}

async function read(response: IncomingMessage, maxBytes: number): Promise<HttpsText> {
  const { statusCode = 0, headers } = response;
  if (statusCode !== 200) return fault(`HTTP status ${statusCode}`);
  const type = headers["content-type"] ?? "none";
  if (!/^text\/plain\s*(?:;|$)/i.test(type)) return fault(`content type ${type.slice(0, 60)}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return fault(`longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return { ok: true, text: Buffer.concat(chunks).toString("utf8") };
}

function faultOf(error: Error & { code?: string }): HttpsText {
  const code = error.code ?? "";
  const certificate =
    /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE))/.test(
      code,
    );
  return { ok: false, kind: certificate ? "certificate" : "fetch", why: error.message.slice(0, 300) };
}

type Found = { address: string; family: number };

/** Looks names up at a resolver; without `allowPrivate` only addresses of the internet are found. */
export function lookupBy(resolver: Resolver, allowPrivate: boolean): LookupFunction {
  return (hostname, { all }, done) => {
    async function look(): Promise<void> {
      const found = await addressesOf(hostname, resolver, allowPrivate);
      if (typeof found === "string") done(Object.assign(new Error(found), { code: "ENOTFOUND" }), "", 4);
      else if (all === true) done(null, found);
      else done(null, found[0].address, found[0].family);
    }
    void look();
  };
}

/** Why there is none, in a sentence. */
async function addressesOf(
  hostname: string,
  resolver: Resolver,
  allowPrivate: boolean,
): Promise<[Found, ...Found[]] | string> {
  const answers = await Promise.all([resolver.resolve(hostname, "A"), resolver.resolve(hostname, "AAAA")]);
  const found = answers.flatMap((answer, i) =>
    answer.status === "ok" ? answer.records.map(({ address }) => ({ address, family: i === 0 ? 4 : 6 })) : [],
  );
  const usable = allowPrivate ? found : found.filter(({ address }) => isPublicAddress(address));
  const [first, ...others] = usable;
  if (first) return [first, ...others];
  const silent = answers.find((answer) => answer.status === "temperror");
  if (silent?.status === "temperror") return `${hostname} could not be looked up: ${silent.detail}`;
  return found.length > 0 ? `${hostname} has no public address` : `${hostname} has no address`;
}
