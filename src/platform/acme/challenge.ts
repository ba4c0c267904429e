import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Address } from "../config/index.ts";

export interface ChallengeListener {
  readonly address: Address;
  /** Answers for this token until `withdraw`. */
  offer(token: string, keyAuthorization: string): void;
  withdraw(token: string): void;
  close(): Promise<void>;
}

const PREFIX = "/.well-known/acme-challenge/";
const TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 100;

/** Answers HTTP-01 challenges (RFC 8555 section 8.3), and nothing else. */
export async function listenForChallenges(at: Address): Promise<ChallengeListener> {
  const offers = new Map<string, string>();
  const server = createServer({ maxHeaderSize: 8_192, connectionsCheckingInterval: 1_000 }, (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0]!;
    const found = path.startsWith(PREFIX) ? offers.get(path.slice(PREFIX.length)) : undefined;
    const known = found !== undefined && (req.method === "GET" || req.method === "HEAD");
    res.writeHead(known ? 200 : 404, { "content-type": "text/plain", connection: "close" });
    res.end(known ? found : "There is nothing here but challenges of a certificate authority.\n");
  });
  server.headersTimeout = TIMEOUT_MS;
  server.requestTimeout = TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { address: host, port } = server.address() as AddressInfo;
  return {
    address: { host, port },
    offer: (token, keyAuthorization) => void offers.set(token, keyAuthorization),
    withdraw: (token) => void offers.delete(token),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
