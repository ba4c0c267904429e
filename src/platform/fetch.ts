import { safeFetchWrap } from "@atproto-labs/fetch-node";

/** A fetch for URLs that outsiders chose. Redirects are errors unless the caller asks for something else. */
export type SafeFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export type SafeFetchOptions = {
  /** Sandbox and tests: http, loopback and private addresses are allowed too. Default false. */
  allowPrivate?: boolean;
  /** Bytes of a response's body; a longer one breaks off with an error. Default 1 MiB. */
  maxBytes?: number;
  /** From the request to the end of the body. Default 10 s. */
  timeoutMs?: number;
};

/**
 * Guards against server-side request forgery: only https, only addresses that are unicast after resolution (checked
 * again at connect time and at every redirect), bounded in size and time. A breach rejects as any failed fetch does.
 */
export function createSafeFetch(options: SafeFetchOptions = {}): SafeFetch {
  const guarded = safeFetchWrap({
    ssrfProtection: !options.allowPrivate,
    // The atproto DID specification lets a service endpoint name a port.
    allowCustomPort: true,
    responseMaxSize: options.maxBytes ?? 1024 * 1024,
    timeout: options.timeoutMs ?? 10_000,
  });
  return (url, init) => guarded(url, { redirect: "error", ...init });
}
