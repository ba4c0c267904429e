import { startGoProgram, type Restartable } from "./go-program.ts";

export interface TapOptions {
  /** Origin of the relay or PDS whose `subscribeRepos` it follows. */
  relayUrl: string;
  plcUrl: string;
  /** An account is followed once a record of the first of these is seen; records of all of them are handed on. */
  collections: [string, ...string[]];
  /** Asked of every client; none unless told. */
  adminPassword?: string;
  /** Seconds after which an event without acknowledgement is sent again; 60 unless told. */
  retrySeconds?: number;
  /** Resolver on port 53 for the handles, which it looks up. */
  resolver: string;
}

/** The real Tap (`cmd/tap` of indigo) on loopback. */
export async function startTap(options: TapOptions): Promise<Restartable> {
  const password = options.adminPassword;
  const headers = { authorization: `Basic ${Buffer.from(`admin:${password ?? ""}`).toString("base64")}` };
  return startGoProgram("tap", ["run"], {
    resolver: options.resolver,
    environment: (address, directory) => ({
      TAP_BIND: address,
      TAP_DATABASE_URL: `sqlite://${directory}/tap.db`,
      TAP_RELAY_URL: options.relayUrl,
      TAP_PLC_URL: options.plcUrl,
      TAP_SIGNAL_COLLECTION: options.collections[0],
      TAP_COLLECTION_FILTERS: options.collections.join(","),
      TAP_ADMIN_PASSWORD: password,
      TAP_RETRY_TIMEOUT: `${options.retrySeconds ?? 60}s`,
    }),
    ready: async (url) => (await fetch(`${url}/health`, { headers })).ok,
  });
}
