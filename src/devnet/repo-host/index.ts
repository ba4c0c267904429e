import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../platform/database.ts";
import { serveHttp } from "../../platform/http.ts";
import { createHost, type RepoHost } from "./host.ts";
import { createRepoStore } from "./store.ts";
import { serveStream } from "./subscription.ts";
import { repoApp } from "./xrpc.ts";

export { repoHostMigration } from "./store.ts";

export type RunningRepoHost = RepoHost & { url: string; close(): Promise<void> };

/**
 * A repository host: accounts whose DIDs are registered at the PLC, real signed commits, the sync methods of a PDS
 * and `subscribeRepos` on the same port. What is in `db` is there again after a restart.
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
}): Promise<RunningRepoHost> {
  const { db, clock, plcUrl } = options;
  const store = createRepoStore(db);
  const http = await serveHttp(repoApp(store), options);
  const url = options.publicUrl ?? `http://${http.address.host}:${http.address.port}`;
  const stream = serveStream(http.server, store);
  const host = createHost({ store, clock, plcUrl, publicUrl: url, onEvent: () => stream.wake() });
  return {
    ...host,
    url,
    async close() {
      await stream.close();
      await http.close();
    },
  };
}
