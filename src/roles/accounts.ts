import {
  createLogin,
  createSessions,
  isDid,
  resolveHandle,
  type Login,
  type People,
  type Sessions,
} from "../account/index.ts";
import { systemClock } from "../lib/clock.ts";
import type { Config, Secrets } from "../platform/config/index.ts";
import type { Database } from "../platform/database.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import type { Logger } from "../platform/log.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { derive } from "./keys.ts";

export type Accounts = {
  sessions: Sessions;
  people: People;
  login: Login;
  /** Its DID; null: there is none. Throws when nothing answered. */
  find: (account: string) => Promise<string | null>;
};

type AccountParts = {
  db: Database;
  people: People;
  config: Config;
  secrets: Secrets;
  resolver: Resolver;
  log: Logger;
};

/** Who logs in here, and how. Logins are for people: they follow the real clock, whatever the sandbox's does. */
export async function openAccounts(parts: AccountParts): Promise<Accounts | undefined> {
  const { db, config, secrets, resolver, log } = parts;
  if (!secrets.core) return undefined;
  const allowPrivate = config.ALLOW_PRIVATE_NETWORK;
  const fetch = createSafeFetch({ allowPrivate });
  const wellKnown = async (url: string) => {
    const response = await fetch(url);
    return response.ok ? response.text() : null;
  };
  return {
    sessions: createSessions(db, derive(secrets.core, "account sessions"), config.COMMITTEE_DIDS),
    find: async (account) => (isDid(account) ? account : resolveHandle(account, resolver, wellKnown)),
    people: parts.people,
    login: await createLogin({
      db,
      key: derive(secrets.core, "account"),
      publicUrl: config.PUBLIC_URL,
      name: `Atmosphere Mail at ${config.POOL_DOMAIN}`,
      plcUrl: config.PLC_URL,
      allowPrivate,
      fetch,
      resolver,
      now: () => systemClock.now(),
      log,
    }),
  };
}
