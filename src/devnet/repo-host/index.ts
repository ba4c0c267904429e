import { Hono } from "hono";
import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../platform/database.ts";
import { createSafeFetch } from "../../platform/fetch.ts";
import { serveHttp } from "../../platform/http.ts";
import { createAccess } from "./access.ts";
import { createHost, type RepoHost } from "./host.ts";
import type { FetchText } from "./oauth/client.ts";
import { createDpop } from "./oauth/dpop.ts";
import { createGrants } from "./oauth/grants.ts";
import { authorizationServer } from "./oauth/server.ts";
import { createSessions } from "./passwords.ts";
import { procedures } from "./procedures.ts";
import { createRepoStore } from "./store.ts";
import { serveStream } from "./subscription.ts";
import { repoApp } from "./xrpc.ts";

export { repoHostMigration } from "./store.ts";

export type RunningRepoHost = RepoHost & {
  url: string;
  /** By which the account's programs log in (`com.atproto.server.createSession`). */
  appPassword(did: string): string;
  close(): Promise<void>;
};

const CLIENT_METADATA = { allowPrivate: true, maxBytes: 64 * 1024, timeoutMs: 5_000 };

/**
 * A repository host: accounts whose DIDs are registered at the PLC, real signed commits, the sync methods of a PDS
 * and `subscribeRepos` on the same port, an authorization server for its accounts, and what they may call with its
 * tokens or with an app password. What is in `db` is there again after a restart.
 */
export async function startRepoHost(options: {
  /** Opened with `repoHostMigration`. */
  db: Database;
  clock: Clock;
  host: string;
  port: number;
  plcUrl: string;
  /** As the DID documents name it; where it listens, by default. */
  publicUrl?: string;
  /** Gets metadata and keys of clients of OAuth. */
  fetchText?: FetchText;
  /** Of tokens, which follow real time as their clients do; ms since the epoch. */
  now?: () => number;
}): Promise<RunningRepoHost> {
  const { db, clock, plcUrl, now = Date.now } = options;
  const store = createRepoStore(db);
  const app = new Hono();
  const http = await serveHttp(app, options);
  const url = options.publicUrl ?? `http://${http.address.host}:${http.address.port}`;
  const stream = serveStream(http.server, store);
  const host = createHost({ store, clock, plcUrl, publicUrl: url, onEvent: () => stream.wake() });
  const dpop = createDpop(now);
  const grants = createGrants(now);
  const sessions = createSessions(now);
  const fetchText = options.fetchText ?? fetchClientText;
  app.route("/", authorizationServer({ issuer: url, store, dpop, grants, fetchText, now }));
  const callerOf = createAccess({ issuer: url, dpop, grants, sessions });
  app.route("/", procedures({ host, store, sessions, callerOf, now }));
  app.route("/", repoApp(store));
  return {
    ...host,
    url,
    appPassword: (did) => store.appPassword(did),
    async close() {
      await stream.close();
      await http.close();
    },
  };
}

const safeFetch = createSafeFetch(CLIENT_METADATA);

async function fetchClientText(url: string): Promise<string> {
  const response = await safeFetch(url, { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.text();
}
