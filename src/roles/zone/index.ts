import {
  allowlistMigration,
  checkWith,
  createAllowlistStore,
  createList,
  followLabeler,
  openPublication,
  type ListPool,
} from "../../allowlist/index.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Address, Config } from "../../platform/config/index.ts";
import { dataPath } from "../../platform/config/index.ts";
import { Database } from "../../platform/database.ts";
import { responseLimit, startDnsServer } from "../../platform/dns/index.ts";
import type { SafeFetch } from "../../platform/fetch.ts";
import { createSafeWebSocket } from "../../platform/websocket.ts";
import { attempt } from "../attempt.ts";
import type { Labeler } from "../labeler.ts";
import type { RoleParts } from "../role-parts.ts";
import { labelerResolver } from "./labelers.ts";
import { openListKey } from "./list-key.ts";
import { followOwnLabeler } from "./own-labeler.ts";

export type ZoneOptions = Omit<RoleParts, "bus" | "newEvent"> & {
  config: Config;
  fetch: SafeFetch;
  labeler: Labeler;
  pool: ListPool;
};

export type Zone = Awaited<ReturnType<typeof startZone>>;

const EVERY_MS = 60_000;
const PROVE_EVERY_MS = 5 * 60_000;
/** Several changes at once make one publication. */
const GATHER_MS = 50;
/** To one network, as other servers of zones have it. */
const ANSWERS_PER_SECOND = 200;

/** The role that publishes the allowlist and answers for it. */
export async function startZone(options: ZoneOptions) {
  const { config, labeler, pool, log, clock, metrics, scheduler, resolver } = options;
  const place = { zone: config.ZONE_NAME, poolDomain: config.POOL_DOMAIN };
  const dir = dataPath(config, "zone");
  const db = new Database(dataPath(config, "zone.sqlite"), [allowlistMigration]);
  try {
    const store = createAllowlistStore(db);
    const allowPrivate = config.ALLOW_PRIVATE_NETWORK;
    const list = createList({ store, place, pool, resolver, clock, allowPrivate });
    const publication = await openPublication({
      store,
      list,
      zone: config.ZONE_NAME,
      nameServers: config.ZONE_NAME_SERVERS ?? [config.POOL_HOSTNAME],
      dir,
      keypair: await openListKey(dir),
      snapshotUrl: `${config.PUBLIC_URL}/allowlist/snapshot.json`,
      checks: config.ZONE_CHECKERS.map(checkWith),
      clock,
      log,
      metrics,
    });
    const server = await startDnsServer({
      host: config.ZONE_ADDRESS.host,
      port: config.ZONE_ADDRESS.port,
      answer: publication.answer,
      answerWire: publication.answerWire,
      limit: responseLimit({ perSecond: ANSWERS_PER_SECOND, clock: systemClock }),
      onError: (err) => log.error({ err }, "a question could not be answered"),
    });
    const others = config.TRUSTED_LABELERS.filter((did) => did !== labeler.labels.did);
    list.trustOnly(new Set([labeler.labels.did, ...others]));

    let soon: Promise<void> | undefined;
    function publishSoon(): void {
      soon ??= attempt(log, "publication of the allowlist", async () => {
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
        soon = undefined;
        await publication.publish();
      });
    }
    const own = followOwnLabeler(labeler, list, store, publishSoon);
    const resolveLabeler = labelerResolver(config.PLC_URL, options.fetch);
    const open = createSafeWebSocket({ allowPrivate });
    const streams = others.map((did) =>
      followLabeler(did, { store, list, resolve: resolveLabeler, open, clock, log, onChange: publishSoon }),
    );
    const proving = new AbortController();
    const prove = async () => {
      if ((await list.proveDue(proving.signal)) > 0) publishSoon();
    };
    let proved = attempt(log, "proofs of addresses", prove);
    scheduler.every({
      name: "publication of the allowlist",
      everyMs: EVERY_MS,
      run: async () => void (await publication.publish()),
    });
    scheduler.every({
      name: "proofs of addresses",
      everyMs: PROVE_EVERY_MS,
      run: async () => void (await (proved = attempt(log, "proofs of addresses", prove))),
    });

    const settle = async () => {
      await proved;
      await own.settle();
      await soon;
      await publication.close();
    };
    const address: Address = { host: server.host, port: server.port };
    return {
      publication,
      store,
      place,
      /** The other labelers that are followed. */
      labelers: () => streams.map((stream) => stream.state()),
      address,
      settle,
      async close() {
        proving.abort();
        await server.close();
        await Promise.all(streams.map((stream) => stream.close()));
        await own.close();
        await settle();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}
