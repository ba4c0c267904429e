import { checkUnicastPolicy, unicastLookup } from "@atproto-labs/fetch-node";
import { WebSocket, type ClientOptions } from "ws";

/** Opens a WebSocket to an address of the network outside. Throws when the URL is not one that may be asked. */
export type OpenWebSocket = (url: URL, options?: { headers?: Record<string, string> }) => WebSocket;

export type SafeWebSocketOptions = {
  /** `ws:`, loopback and private addresses are allowed too. Default false. */
  allowPrivate?: boolean;
  /** Bytes of one message. Default 5 MiB, the largest frame of an atproto event stream. */
  maxPayload?: number;
};

/**
 * What `createSafeFetch` is for requests: only `wss:`, only addresses that are unicast when the connection is made,
 * no redirects, no compression, bounded messages.
 */
export function createSafeWebSocket(options: SafeWebSocketOptions = {}): OpenWebSocket {
  const common: ClientOptions = {
    maxPayload: options.maxPayload ?? 5 * 1024 * 1024,
    handshakeTimeout: 10_000,
    followRedirects: false,
    perMessageDeflate: false,
  };
  return (url, { headers = {} } = {}) => {
    if (options.allowPrivate) return new WebSocket(url, { ...common, headers });
    if (url.protocol !== "wss:") throw new TypeError(`${url.origin} is not wss: use TLS`);
    const reason = checkUnicastPolicy(url);
    if (reason) throw new TypeError(`${url.origin} is refused: ${String(reason)}`);
    return new WebSocket(url, { ...common, headers, lookup: unicastLookup });
  };
}
