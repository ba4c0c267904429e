import { networkInterfaces } from "node:os";
import { openHabits, type Habits } from "../breaker/index.ts";
import { pumpOutbox } from "../event/index.ts";
import { messageOf } from "../feedback/index.ts";
import { dataPath, type Address, type Config } from "../platform/config/index.ts";
import type { Logger } from "../platform/log.ts";
import { openSealed, type OpeningKey } from "../platform/seal.ts";
import type { VerifyingKey } from "../platform/sign.ts";
import { createPolicyBook, type PolicyBook } from "../policy/index.ts";
import { createRelay, CREDENTIAL_USED_TOPIC, recipientFacts } from "../relay/index.ts";
import type { Shaping } from "../shaping/index.ts";
import { createSpool } from "../spool/index.ts";
import { readTestAddress } from "../test-mail/index.ts";
import { attempt } from "./attempt.ts";
import { openDeliveryParts } from "./delivery-parts.ts";
import { openInboundParts } from "./inbound-parts.ts";
import { followNotices } from "./notices.ts";
import { ownAddresses } from "./own-addresses.ts";
import { openPoolKey } from "./pool-key.ts";
import { createMeasuresDesk } from "./measures-desk.ts";
import { followPolicies } from "./policies.ts";
import type { PoolNode } from "./pool-node.ts";
import { openPoolLimits } from "./pool-limits.ts";
import { createPump } from "./pump.ts";
import { followQueueCommands } from "./queue-commands.ts";
import { createQueueDesk } from "./queue-desk.ts";
import type { RoleParts } from "./role-parts.ts";
import { dropStolen } from "./stolen-mail.ts";
import { openSuppressionNode } from "./suppression-node.ts";
import { createUnsubscribe } from "./suppression-unsubscribe.ts";
import { sendReports } from "./tls-reports.ts";

export type RelayRoleOptions = RoleParts & {
  config: Config;
  openingKey: OpeningKey;
  /** Core's, where policies come over brokers; absent: core is in this process, and says them as they are. */
  coreKey?: VerifyingKey | undefined;
  /** This node among others; absent: it is the only one. */
  pool?: PoolNode | undefined;
  keys: { verp: Uint8Array; recipient: Uint8Array; unsubscribe: Uint8Array };
  tls: { cert: string; key: string };
  shaping: Shaping;
  /** Messages that wait on this disk for the brokers. */
  waiting?: (() => number) | undefined;
  /** The spool's writer died: nothing more is taken or sent here, and what was acknowledged is on disk. */
  onFatal?: ((error: Error) => void) | undefined;
};

export type RunningRelay = Awaited<ReturnType<typeof startRelay>>;

const PRUNE_AFTER_MS = 30 * 86_400_000;
const RETURN_EVERY_MS = 600_000;
const SIGN_EVERY_MS = 30_000;
const OUTBOX_EVERY_MS = 100;

/** The role that takes members' mail and delivers it, and hears what comes back. When it cannot start, nothing of it runs. */
export async function startRelay(options: RelayRoleOptions) {
  const opened: (() => Promise<void>)[] = [];
  try {
    return await open(options, opened);
  } catch (error) {
    for (const close of opened.toReversed())
      await attempt(options.log, "closing what had been opened", close);
    throw error;
  }
}

async function open(options: RelayRoleOptions, opened: (() => Promise<void>)[]) {
  const { config, bus, clock, log, metrics, scheduler, resolver, newEvent, keys, tls } = options;
  const poolKey = await openPoolKey(
    dataPath(config, "pool-dkim"),
    config.POOL_DKIM_SELECTOR,
    options.openingKey,
  );
  const spool = await createSpool({
    path: dataPath(config, "spool.sqlite"),
    now: clock.now(),
    reserve: config.SPOOL_RESERVE * 1024 * 1024,
    onChecked(integrity) {
      if (integrity.outcome === "sound")
        log.info("the spool was not closed cleanly; it was checked, and is sound");
      if (integrity.outcome === "unfinished")
        log.warn({ why: integrity.why }, "the spool was not closed cleanly, and was not checked to the end");
    },
    onFatal(err) {
      log.fatal(
        { err },
        err.kind === "corrupt"
          ? "the spool is damaged; nothing more is taken. The next start says how to recover (docs/queue.md)"
          : "the spool's writer died; start the process again, nothing that was taken is lost",
      );
      options.onFatal?.(err);
    },
  });
  opened.push(() => spool.close());
  const parts = openDeliveryParts(options);
  opened.push(async () => parts.close());
  const shared =
    options.pool && openPoolLimits({ ...options, node: config.NODE_NAME!, book: () => policyBook });
  const policyBook: PolicyBook = await createPolicyBook(spool.policies, {
    ...(shared && { lease: shared.lease }),
    ...(options.pool && { node: options.pool.state }),
    ...(config.POOL_HOURLY !== undefined && { poolHourly: config.POOL_HOURLY }),
    providers: config.PROVIDER_DAILY,
    providerOf: (domain): string | undefined => relay.providerOf(domain),
    warmup: parts.egress.allowanceLeft,
    promised: parts.egress.promise,
  });
  const habits = openBreakerHabits(dataPath(config, "habits.sqlite"), log);
  opened.push(async () => habits.close());
  const keyOf = (address: string) => recipientFacts(keys.recipient, address, "").key;
  const suppressions = openSuppressionNode({
    path: dataPath(config, "suppression.sqlite"),
    hostname: config.POOL_HOSTNAME,
    publicUrl: config.PUBLIC_URL,
    keyOf,
    bus,
    clock,
    log,
  });
  opened.push(() => suppressions.close());
  const unsubscribe = createUnsubscribe({
    key: keys.unsubscribe,
    publicUrl: config.PUBLIC_URL,
    keyOf,
    spool,
    newEvent,
    clock,
  });
  const poolReturnPath = `bounce.${config.POOL_DOMAIN}`;
  const feedbackId = { region: config.POOL_REGION, sender: "atmosmail" };
  const relay = createRelay({
    identity: {
      hostname: config.POOL_HOSTNAME,
      poolDomain: config.POOL_DOMAIN,
      poolReturnPath,
      poolKeys: [
        { domain: config.POOL_DOMAIN, selector: poolKey.selector, algorithm: "rsa", key: poolKey.key },
      ],
      ...feedbackId,
      verpKey: keys.verp,
      recipientKey: keys.recipient,
    },
    submission: {
      tlsAddresses: config.SUBMISSION_TLS_ADDRESS,
      starttlsAddresses: config.SUBMISSION_STARTTLS_ADDRESS,
      tls,
    },
    delivery: {
      port: config.DELIVERY_PORT,
      allowPrivate: config.ALLOW_PRIVATE_NETWORK,
      ownHosts: [config.POOL_HOSTNAME, ...config.EGRESS_ADDRESSES.map(({ ehlo }) => ehlo)],
      isOwnAddress: ownAddresses(
        config,
        Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
      ),
      egress: parts.egress,
      measures: parts.measures,
      ages: parts.ages,
      maxConnections: config.DELIVERY_CONNECTIONS,
      ...(options.pool && { standsStill: options.pool.standsStill }),
    },
    spool,
    policyBook,
    habits,
    transport: parts.transport,
    ...(parts.reports && { observed: parts.reports.observe }),
    shaping: options.shaping,
    resolver,
    clock,
    log,
    metrics,
    event: newEvent,
    suppressed: suppressions.check,
    isTestOf: (handle, address) => readTestAddress(address, keys.verp, clock.now())?.handle === handle,
    unsubscribeUrl: unsubscribe.url,
    open: (sealed) => openSealed(options.openingKey, sealed),
    used: (use) =>
      void attempt(log, "telling of a log-in", () =>
        bus.publish(CREDENTIAL_USED_TOPIC, [{ key: use.did, value: use }]),
      ),
  });
  const incoming = await openInboundParts({
    ...options,
    feedbackId,
    spool,
    relay,
    policyBook,
    egress: parts.egress,
  });
  const { inbound, inbox } = incoming;
  opened.push(() => incoming.close());
  const submission = await relay.start();

  const policies = followPolicies({
    bus,
    group: `relay:${config.POOL_HOSTNAME}`,
    policyBook,
    sealed: options.coreKey && { openWith: options.openingKey, signedBy: options.coreKey },
    log,
    metrics,
  });

  const grants = shared?.follow();

  await suppressions.follow({ spool, wake: relay.wake });

  const queue = createQueueDesk({ spool, relay, policyBook, newEvent, recipientKey: keys.recipient, clock });
  const measures = createMeasuresDesk({
    measures: parts.measures,
    egress: parts.egress,
    queue,
    spool,
    clock,
    log,
  });
  const commands = followQueueCommands({
    bus,
    queue,
    spool,
    habits,
    group: `relay:${config.POOL_HOSTNAME}`,
    log,
  });

  const notices = followNotices({ bus, relay, log });

  const pump = createPump(() => pumpOutbox(spool.outbox, bus), {
    everyMs: OUTBOX_EVERY_MS,
    failed: (err, pauseMs) =>
      log.error({ err, pauseMs }, "events did not reach the bus; again after a pause"),
  });

  scheduler.every({
    name: "old messages forgotten",
    everyMs: 3_600_000,
    run: async (signal) =>
      void (await spool.prune(parts.ages.before(PRUNE_AFTER_MS), { signal, now: clock.now() })),
  });
  scheduler.every({
    name: "habits pruned",
    everyMs: 600_000,
    run: async () => void habits.prune(clock.now()),
  });
  scheduler.every({
    name: "ended suppressions forgotten",
    everyMs: 3_600_000,
    run: async () => void suppressions.prune(),
  });
  scheduler.every({
    name: "held mail signed",
    everyMs: SIGN_EVERY_MS,
    run: () => relay.signHeld(),
  });
  scheduler.every({
    name: "stolen mail dropped, held mail given back",
    everyMs: RETURN_EVERY_MS,
    // In this order: what is given back makes a notice, and of what was stolen there is none.
    async run() {
      await dropStolen({ policyBook, queue, log });
      await relay.returnHeld();
    },
  });
  if (parts.reports) sendReports({ ...options, reports: parts.reports, relay, spool });
  scheduler.every({
    name: "queue measured",
    everyMs: 15_000,
    run: async () => {
      const counts = await spool.counts();
      for (const state of ["queued", "deferred", "held"] as const)
        metrics.queue.set({ state }, counts[state] ?? 0);
    },
  });

  options.pool?.tell(async () => {
    const counts = await spool.counts();
    const of = (state: "queued" | "deferred" | "held") => counts[state] ?? 0;
    return {
      queued: of("queued"),
      deferred: of("deferred"),
      held: of("held"),
      waiting: options.waiting?.() ?? 0,
      egress: parts.egress
        .status(clock.now())
        .map(({ address, out }) => ({ address, out: out?.why ?? null })),
    };
  });

  const addresses: { tls: Address[]; starttls: Address[]; inbound: Address } = {
    ...submission,
    inbound: inbound.address,
  };

  return {
    submission: { authenticate: relay.authenticate, submit: relay.submit },
    /** What makes a test of a member: the key of its address, where that is, and the pool's own sending. */
    tests: { key: keys.verp, domain: poolReturnPath, send: relay.sendTest },
    spool,
    queue,
    suppressions,
    unsubscribe,
    /** The hash that stands for an address in events. */
    keyOf,
    policyBook,
    egress: parts.egress,
    measures,
    shaping: options.shaping,
    inbox,
    forward: relay.forward,
    /** The message that a header names which somebody shows. */
    reported: (marks: Parameters<typeof messageOf>[0]) => messageOf(marks, { spool, tokenKey: keys.verp }),
    reports: parts.reports,
    addresses,
    poolKey,
    /** The certificate was renewed: new connections get it, those that are open stay as they are. */
    setTls(renewed: { cert: string; key: string }) {
      const pair = { cert: renewed.cert, key: renewed.key };
      relay.setTls(pair);
      inbound.setTls(pair);
    },
    async settle() {
      await suppressions.settle();
      await relay.settle();
      await pump.now();
    },
    /** Submission and delivery end first: what they do is recorded and told before the rest closes. */
    async close() {
      await relay.close();
      await Promise.all([
        incoming.close(),
        policies.close(),
        grants?.close(),
        commands.close(),
        notices.close(),
      ]);
      await suppressions.close();
      await pump.close();
      await spool.close();
      habits.close();
      parts.close();
    },
  };
}

function openBreakerHabits(path: string, log: Logger): Habits {
  const isDamaged = (err?: unknown) =>
    log.error({ err, path }, "the breaker's memory was damaged; it is put aside and begun anew");
  const { habits, damaged } = openHabits(
    path,
    (err) => log.error({ err }, "the breaker's memory was not written; it is stricter by what was lost"),
    isDamaged,
  );
  if (damaged) isDamaged();
  return habits;
}
