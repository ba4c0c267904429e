import { request } from "node:https";
import { getCACertificates } from "node:tls";

/** What an authority said instead of doing it (RFC 7807, RFC 8555 section 6.7), and how long to wait. */
export type Problem = { status: number; type: string; detail: string; retryAfterMs: number };

type RequestConfig = {
  url?: string | undefined;
  method?: string | undefined;
  data?: unknown;
  headers: { toJSON(): Record<string, unknown> };
};

type Response = {
  data: string;
  status: number;
  statusText: string;
  headers: Record<string, string | string[]>;
};

export type TransportOptions = {
  /** PEM, trusted beside the usual authorities. */
  ca?: string | undefined;
  signal: AbortSignal;
  /** Ms since the epoch. */
  now: () => number;
  /** Default 30 seconds, for a whole request. */
  timeoutMs?: number;
};

const MAX_BYTES = 1024 * 1024;

/**
 * One HTTPS request at a time for the ACME library, which by itself would retry and wait as long as a server says.
 * Here a request has one try, a size and a time, and what the authority last refused is kept.
 */
export function createTransport({ ca, signal, now, timeoutMs = 30_000 }: TransportOptions) {
  let last: Problem | undefined;
  const trusted = ca === undefined ? undefined : [...getCACertificates("default"), ca];

  function send({ url = "", method = "get", data, headers }: RequestConfig): Promise<Response> {
    return new Promise((resolve, reject) => {
      const timed = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const sent = request(
        url,
        {
          method: method.toUpperCase(),
          headers: Object.fromEntries(
            Object.entries(headers.toJSON())
              .filter(([, value]) => value !== undefined && value !== null && value !== false)
              .map(([name, value]) => [name, String(value)]),
          ),
          signal: timed,
          agent: false,
          ...(trusted && { ca: trusted }),
        },
        (received) => {
          const chunks: Buffer[] = [];
          let size = 0;
          received.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_BYTES) sent.destroy(new Error(`${url} answered with more than a megabyte`));
            else chunks.push(chunk);
          });
          received.on("error", reject);
          received.on("end", () =>
            resolve({
              data: Buffer.concat(chunks).toString("utf8"),
              status: received.statusCode ?? 0,
              statusText: received.statusMessage ?? "",
              headers: Object.fromEntries(
                Object.entries(received.headers).filter((h): h is [string, string] => h[1] !== undefined),
              ),
            }),
          );
        },
      );
      sent.on("error", (error) => {
        reject(
          timed.aborted && !signal.aborted
            ? new Error(`${url} did not answer within ${timeoutMs / 1000} s`)
            : error,
        );
      });
      sent.end(typeof data === "string" ? data : undefined);
    });
  }

  return {
    /** For the library's HTTP client. A failure carries no request, so that it is not tried again there. */
    async adapter<C extends RequestConfig>(config: C): Promise<Response & { config: C; request: undefined }> {
      if (!/^https:/i.test(config.url ?? ""))
        throw new Error(`${config.url} is not an https address, which ACME asks for`);
      last = undefined;
      const response = await send(config);
      last = response.status >= 400 ? problemOf(response, now()) : undefined;
      return { ...response, config, request: undefined };
    },
    /** What the last response refused, if it did. */
    problem: () => last,
  };
}

function problemOf({ status, data, headers }: Response, now: number): Problem {
  let document: { type?: unknown; detail?: unknown } = {};
  try {
    document = (JSON.parse(data) as typeof document | null) ?? {};
  } catch {
    // A proxy or a server in trouble answers in HTML.
  }
  return {
    status,
    type: typeof document.type === "string" ? document.type.slice(0, 200) : "",
    detail: typeof document.detail === "string" ? document.detail.slice(0, 1_000) : `HTTP ${status}`,
    retryAfterMs: retryAfter(headers["retry-after"], now),
  };
}

/** Seconds or a date (RFC 9110 section 10.2.3), in milliseconds from now; 0 when there is none. Pure. */
export function retryAfter(header: string | string[] | undefined, now: number): number {
  if (typeof header !== "string") return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}
