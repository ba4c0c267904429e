import type { Context, Hono } from "hono";
import { createServiceAuth, type ServiceAuth } from "../account/index.ts";
import { createIdentityResolver } from "../attestation/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createRateTable } from "../lib/rate-table.ts";
import type { Config } from "../platform/config/index.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import type { JoinPages } from "../web/index.ts";
import { joinXrpc } from "./join-xrpc.ts";
import type { Labeler } from "./labeler.ts";
import type { MemberDesk } from "./member-desk.ts";
import { insecure } from "./messages-api/access.ts";
import type { Taking } from "./member-take.ts";
import { memberXrpc, type MemberXrpcParts } from "./member-xrpc/index.ts";
import type { QueryParts } from "./queries/parts.ts";
import { noSuchMethod } from "./xrpc.ts";
import { clientOf } from "./xrpc-client.ts";

type CoreXrpcParts = {
  labeler: Labeler | undefined;
  config: Config;
  join: JoinPages;
  desk: MemberDesk;
  shown: QueryParts;
  pages: MemberXrpcParts["pages"];
  taking: Taking;
};

/** Calls of one client in the name of accounts that are no members yet: each asks servers elsewhere. */
const JOINING = { limit: 60, periodMs: 60_000, burst: 60 };
/** Calls for members: of one client, and with one token or account. */
const CALLS = { limit: 120, periodMs: 60_000, burst: 120 };
const MOST_CLIENTS = 20_000;
const now = () => systemClock.now();

/** What accounts and programs of members call. Tokens follow the real clock. */
export function mountXrpc(app: Hono, parts: CoreXrpcParts): void {
  const { labeler, config, join, desk, shown, pages, taking } = parts;
  const proxies = new Set(config.TRUSTED_PROXIES);
  const bounded = (bucket: typeof CALLS) => {
    const rate = createRateTable(bucket, MOST_CLIENTS);
    return (key: string) => rate.take(key, now(), 1).ok;
  };
  const bounds = { joining: bounded(JOINING), clients: bounded(CALLS), users: bounded(CALLS) };
  const serviceAuth = labeler && serviceAuthOf(labeler.labels.did, config);
  if (labeler && serviceAuth)
    app.route(
      "/",
      joinXrpc({
        join,
        caller: serviceAuth,
        authority: config.LEXICON_AUTHORITY,
        did: labeler.labels.did,
        name: config.POOL_DOMAIN,
        publicUrl: config.PUBLIC_URL,
        mayCall: (c: Context) => bounds.joining(clientOf(c, proxies)),
      }),
    );
  app.route(
    "/",
    memberXrpc({
      desk,
      shown,
      pages,
      taking,
      serviceAuth,
      authority: config.LEXICON_AUTHORITY,
      inClear: (c) => insecure(c, proxies, config.PUBLIC_URL.startsWith("https:")) !== undefined,
      mayCall: (c) => bounds.clients(clientOf(c, proxies)),
      mayUse: bounds.users,
      now,
    }),
  );
  app.all("/xrpc/*", noSuchMethod);
}

function serviceAuthOf(audience: string, config: Config): ServiceAuth {
  const fetch = createSafeFetch({ allowPrivate: config.ALLOW_PRIVATE_NETWORK });
  const resolve = createIdentityResolver({ plcUrl: config.PLC_URL, fetch });
  return createServiceAuth({
    audience,
    keyOf: async (account) => {
      const identity = await resolve(account);
      return identity.status === "resolved" ? identity.signingKey : null;
    },
    now,
  });
}
