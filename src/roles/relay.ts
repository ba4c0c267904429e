import { createFeedback, createRoleMail } from "../feedback/index.ts";
import { pumpOutbox } from "../event/index.ts";
import { dataPath, type Address, type Config } from "../platform/config/index.ts";
import { openSealed, type OpeningKey } from "../platform/seal.ts";
import { POLICY_TOPIC, createPolicyBook, type MemberPolicy } from "../policy/index.ts";
import { createRelay, recipientFacts, startInbound } from "../relay/index.ts";
import { createSpool } from "../spool/index.ts";
import { attempt } from "./attempt.ts";
import { openPoolKey } from "./pool-key.ts";
import type { Shared } from "./shared.ts";

export type RelayRoleOptions = Shared & {
  config: Config;
  openingKey: OpeningKey;
  keys: { verp: Uint8Array; recipient: Uint8Array };
  tls: { cert: string; key: string };
};

export type RunningRelay = Awaited<ReturnType<typeof startRelay>>;

const PRUNE_AFTER_MS = 30 * 86_400_000;
const OUTBOX_EVERY_MS = 100;

/** The role that takes members' mail and delivers it, and hears what comes back. */
export async function startRelay(options: RelayRoleOptions) {
  const { config, bus, clock, log, metrics, scheduler, resolver, newEvent, keys, tls } = options;
  const poolKey = await openPoolKey(dataPath(config, "pool-dkim"), config.POOL_DKIM_SELECTOR);
  const spool = await createSpool({ path: dataPath(config, "spool.sqlite") });
  const policyBook = await createPolicyBook(spool.policies);
  const poolReturnPath = `bounce.${config.POOL_DOMAIN}`;
  const relay = createRelay({
    identity: {
      hostname: config.POOL_HOSTNAME,
      poolDomain: config.POOL_DOMAIN,
      poolReturnPath,
      poolKeys: [
        { domain: config.POOL_DOMAIN, selector: poolKey.selector, algorithm: "rsa", key: poolKey.key },
      ],
      region: config.POOL_REGION,
      sender: "atmosmail",
      verpKey: keys.verp,
      recipientKey: keys.recipient,
    },
    submission: {
      host: config.SUBMISSION_TLS_ADDRESS.host,
      tlsPort: config.SUBMISSION_TLS_ADDRESS.port,
      starttlsPort: config.SUBMISSION_STARTTLS_ADDRESS.port,
      tls,
    },
    delivery: {
      port: config.DELIVERY_PORT,
      allowPrivate: config.ALLOW_PRIVATE_NETWORK,
      ownHosts: [config.POOL_HOSTNAME],
    },
    spool,
    policyBook,
    resolver,
    clock,
    log,
    metrics,
    event: newEvent,
    open: (sealed) => openSealed(options.openingKey, sealed),
  });
  const feedback = createFeedback({
    spool,
    tokenKey: keys.verp,
    recipientKey: (address) => recipientFacts(keys.recipient, address, "").key,
    poolDomains: [config.POOL_DOMAIN, config.POOL_HOSTNAME, poolReturnPath],
    newEvent,
    roleMail: createRoleMail(dataPath(config, "role-mail")),
    clock,
    log,
  });
  const inbound = await startInbound({
    address: config.INBOUND_ADDRESS,
    hostname: config.POOL_HOSTNAME,
    tls,
    feedback,
    log,
  });

  const policies = bus.subscribe<MemberPolicy>(
    POLICY_TOPIC,
    `relay:${config.POOL_HOSTNAME}`,
    async (batch) => {
      for (const { value } of batch) await policyBook.apply(value);
    },
    // The topic holds the latest policy of each member: told all of it again, a spool that was lost or restored knows them.
    0,
  );

  let pumping: Promise<unknown> = Promise.resolve();
  const pump = () =>
    (pumping = pumping.then(() => attempt(log, "outbox of the relay", () => pumpOutbox(spool.outbox, bus))));
  const timer = setInterval(() => void pump(), OUTBOX_EVERY_MS);

  scheduler.every({
    name: "old messages forgotten",
    everyMs: 3_600_000,
    run: async () => void (await spool.prune(clock.now() - PRUNE_AFTER_MS)),
  });
  scheduler.every({
    name: "queue measured",
    everyMs: 15_000,
    run: async () => {
      const counts = await spool.counts();
      for (const state of ["queued", "deferred", "held"] as const)
        metrics.queue.set({ state }, counts[state] ?? 0);
    },
  });

  const ports = await relay.start();
  const addresses: { tls: number; starttls: number; inbound: Address } = {
    tls: ports.tlsPort ?? config.SUBMISSION_TLS_ADDRESS.port,
    starttls: ports.starttlsPort ?? config.SUBMISSION_STARTTLS_ADDRESS.port,
    inbound: inbound.address,
  };

  return {
    spool,
    policyBook,
    addresses,
    poolKey,
    async settle() {
      await relay.settle();
      await pump();
    },
    async close() {
      await Promise.all([relay.close(), inbound.close(), policies.close()]);
      clearInterval(timer);
      await pump();
      await spool.close();
    },
  };
}
