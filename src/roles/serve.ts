import { createRequire } from "node:module";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Hono } from "hono";
import { eventMaker } from "../event/index.ts";
import { attachSubscribeLabels, labelRoutes } from "../label/index.ts";
import { systemClock, type Clock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { busMigration, kafkaBusMigration } from "../platform/bus/index.ts";
import { dataPath, type Address, type Config, type Role, type Secrets } from "../platform/config/index.ts";
import { Database } from "../platform/database.ts";
import { createResolver } from "../platform/dns/index.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { serveHttp } from "../platform/http.ts";
import { lockDirectory } from "../platform/lock.ts";
import type { Logger } from "../platform/log.ts";
import { createMetrics, type Metrics } from "../platform/metrics.ts";
import { createScheduler } from "../platform/scheduler.ts";
import { importSealingKey, openingKeyFrom } from "../platform/seal.ts";
import { providerDataMigration, type CollectorOptions } from "../provider-data/index.ts";
import { createRuleStore } from "../rules/index.ts";
import { openShaping } from "../shaping/index.ts";
import { usedLinksMigration } from "../web/index.ts";
import { openAccounts } from "./accounts.ts";
import { openCertificates } from "./certificates.ts";
import { coreMigrations, createCore, type Core } from "./core/index.ts";
import { mountCore } from "./core-http.ts";
import { explainApi } from "./explain-api.ts";
import { coreKeyOf, derive, relayKeys, sessionKeyOf, snapshotKeyOf } from "./keys.ts";
import { createLabeler, labelerMigrations, type Labeler, type LabelerOptions } from "./labeler.ts";
import { sourcesOf, transportOf } from "./labeler-sources.ts";
import { answerMigration, createAnswers, messagesApi, type Answers } from "./messages-api/index.ts";
import { mountNode } from "./node-http.ts";
import { openNodeKey } from "./node-key.ts";
import { connectionOf, openBus } from "./open-bus.ts";
import { joinPool } from "./pool-node.ts";
import { poolAddresses } from "./own-addresses.ts";
import { testDesk } from "./member-desk-tests.ts";
import { openProviderDesk } from "./provider-data-open.ts";
import { createPublicChecks, type PublicChecks } from "./public-checks.ts";
import { startRelay, type RunningRelay } from "./relay.ts";
import { unsubscribePages } from "./suppression-unsubscribe.ts";
import { webhookParts } from "./webhook-post.ts";
import { emailXrpc, noSuchMethod } from "./xrpc.ts";
import { allowlistFiles } from "./zone/files-http.ts";
import { listingXrpc } from "./zone/listing-xrpc.ts";
import { startZone, type Zone } from "./zone/index.ts";

export type ServeOptions = {
  config: Config;
  secrets: Secrets;
  log: Logger;
  clock?: Clock;
  /** The directory of rule files. */
  rulesDir: string;
  /** Where providers of figures are, when not at their own addresses (the sandbox's). */
  providerEndpoints?: CollectorOptions["endpoints"];
  /** More pages and endpoints on the same server (the sandbox's). */
  extend?: (app: Hono) => void;
  /** Is given what reads the rules and the shaping file and looks for a new certificate at once, as soon as that can be asked: for SIGHUP. */
  onReload?: (reload: () => void) => void;
  /** This process can do no more work and must end. What it acknowledged is on disk. */
  onFatal?: (error: Error) => void;
};

export type Serve = {
  core: Core | undefined;
  labeler: Labeler | undefined;
  relay: RunningRelay | undefined;
  zone: Zone | undefined;
  sessionKey: Uint8Array | undefined;
  http: Address | undefined;
  /** Resolves once everything that is under way here has ended and nothing follows from it. */
  settle(): Promise<void>;
  /** Ends what runs, in the order of the mail's way, and closes the databases. */
  close(): Promise<void>;
};

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** Runs the configured roles in this process. */
export async function startServe(options: ServeOptions): Promise<Serve> {
  const { config, secrets, log } = options;
  const clock = options.clock ?? systemClock;
  const has = (role: Role) => config.ROLES.includes(role);
  const closers: (() => Promise<void> | void)[] = [];
  const closing = new AbortController();
  const metrics = createMetrics();
  const newEvent = eventMaker(
    () => clock.now(),
    snowflakes(() => clock.now()),
  );
  const resolver = createResolver({ servers: config.DNS_SERVERS });
  const fetch = createSafeFetch({ allowPrivate: config.ALLOW_PRIVATE_NETWORK });
  const pool = {
    domain: config.POOL_DOMAIN,
    spfInclude: `_spf.${config.POOL_DOMAIN}`,
    returnPathHost: `bounce.${config.POOL_DOMAIN}`,
  };

  try {
    const lock = lockDirectory(config.DATA_DIR);
    closers.push(() => lock.release());
    const busMigrations = [busMigration, kafkaBusMigration];
    // Core keeps its books and its place on the bus in one file, so that one transaction writes both.
    const coreDb = has("core")
      ? new Database(dataPath(config, "core.sqlite"), [
          ...busMigrations,
          ...coreMigrations,
          usedLinksMigration,
          providerDataMigration,
        ])
      : undefined;
    const busDb = coreDb ?? new Database(dataPath(config, "bus.sqlite"), busMigrations);
    closers.push(() => busDb.close());
    const { bus, kafka } = openBus(busDb, connectionOf(config, secrets), { log, now: () => clock.now() });
    closers.push(() => bus.close());
    const scheduler = createScheduler(clock, log);
    scheduler.every({ name: "bus pruned", everyMs: 3_600_000, run: async () => void (await bus.prune()) });
    const shared = { bus, clock, log, metrics, scheduler, resolver, newEvent };

    const openingKey = secrets.relay ? await openingKeyFrom(derive(secrets.relay, "seal")) : undefined;
    const reloads: (() => void)[] = [];
    options.onReload?.(() => reloads.forEach((reload) => reload()));
    const ruleStore = coreDb ? createRuleStore({ ...shared, db: coreDb }) : undefined;
    let core: Core | undefined;
    let relay: RunningRelay | undefined;
    if (coreDb && ruleStore) {
      await ruleStore.open(options.rulesDir);
      reloads.push(() => void ruleStore.reload());
      const sealTo = openingKey ?? (await importSealingKey(config.RELAY_SEALING_KEY!));
      core = createCore({
        ...shared,
        ...pool,
        db: coreDb,
        rules: ruleStore.engine,
        sealTo,
        version,
        ruleEngine: config.RULES_ENGINE,
        // Brokers that are away keep nothing from a node that is here.
        ...(kafka && {
          async tellHere(policies) {
            for (const policy of policies) await relay?.policyBook.apply(policy);
          },
        }),
        signWith: kafka && snapshotKeyOf(secrets),
        authority: config.LABELER_DID ?? `did:web:${config.POOL_DOMAIN}`,
        publicUrl: config.PUBLIC_URL,
        egress: poolAddresses(config),
        committeeMail: config.ROLE_MAIL_TO,
        ruleFailures: () =>
          ruleStore
            .status()
            .failures.map(({ rule, count, reason }) => `${rule} gave no answer ${count} times: ${reason}`),
        webhooks: webhookParts(config, secrets),
      });
      closers.push(core.close);
    }
    const providers =
      core &&
      coreDb &&
      (await openProviderDesk({
        ...shared,
        db: coreDb,
        core,
        config,
        secrets,
        egress: () => relay?.egress,
        endpoints: options.providerEndpoints,
      }));

    let labeler: Labeler | undefined;
    if (has("labeler")) {
      const db = new Database(dataPath(config, "labeler.sqlite"), labelerMigrations);
      closers.push(() => db.close());
      labeler = createLabeler({
        ...shared,
        db,
        fetch,
        plcUrl: config.PLC_URL,
        did: config.LABELER_DID!,
        keypair: await Secp256k1Keypair.import(secrets.labeler!),
        endpoint: config.PUBLIC_URL,
        pool,
        sources: sourcesOf(config, secrets),
        sweepHosts: config.SWEEP_HOSTS ?? config.ATTESTATION_HOSTS,
        authority: config.LEXICON_AUTHORITY,
        allowPrivate: config.ALLOW_PRIVATE_NETWORK,
        ...(core && { issuedTo: issuedBy(core) }),
        checkIntervalMs: config.CHECK_INTERVAL * 1000,
        ...(config.CHECK_SERVERS && { transport: transportOf(config, clock) }),
      });
      closers.push(labeler.close);
    }

    let zone: Zone | undefined;
    if (has("zone")) {
      zone = await startZone({
        ...shared,
        config,
        fetch,
        labeler: labeler!,
        pool: {
          did: config.LABELER_DID!,
          addresses: poolAddresses(config),
          spfDomain: pool.returnPathHost,
        },
      });
      closers.push(zone.close);
    }

    let answers: Answers | undefined;
    if (has("relay")) {
      const db = new Database(dataPath(config, "messages-api.sqlite"), [answerMigration]);
      closers.push(() => db.close());
      answers = createAnswers(db);
      const run = async () => answers?.prune(clock.now());
      scheduler.every({ name: "answers of the HTTP API forgotten", everyMs: 3_600_000, run });
    }

    // Closed in the opposite order: pages and relay first, then the tasks, then what the tasks work on.
    closers.push(() => scheduler.close());
    if (has("relay")) {
      const shaping = await openShaping({
        file: config.SHAPING_FILE,
        named: Object.keys(config.PROVIDER_DAILY),
        log,
        onLook: (sound) => metrics.shapingFileFaulty.set(sound ? 0 : 1),
      });
      closers.push(() => shaping.close());
      const certificates = await openCertificates({ ...shared, config, secrets });
      closers.push(() => certificates.close());
      reloads.push(
        () => void certificates.check(),
        () => void shaping.check(),
      );
      await certificates.ready();
      const { cert, key } = certificates.current();
      const coreKey = kafka && coreKeyOf(config, secrets);
      const pool =
        coreKey &&
        joinPool({
          ...shared,
          node: config.NODE_NAME!,
          version,
          coreKey,
          isWithCore: has("core"),
          limits: { afterMs: config.CUT_OFF_AFTER * 1000, mostMs: config.CUT_OFF_HOURS * 3_600_000 },
        });
      if (pool) closers.push(() => pool.close());
      const running = await startRelay({
        ...shared,
        pool,
        waiting: kafka?.waiting,
        config,
        shaping,
        onFatal: options.onFatal,
        openingKey: openingKey!,
        coreKey,
        keys: relayKeys(secrets.relay!),
        tls: { cert, key },
      });
      relay = running;
      closers.push(running.close);
      certificates.onChange((pair) => running.setTls(pair));
      running.setTls(certificates.current());
    }

    const submission = () => ({
      host: config.POOL_HOSTNAME,
      tls: portsOf(relay?.addresses.tls ?? config.SUBMISSION_TLS_ADDRESS),
      starttls: portsOf(relay?.addresses.starttls ?? config.SUBMISSION_STARTTLS_ADDRESS),
    });
    const sessionKey = sessionKeyOf(secrets);
    const app = new Hono();
    app.get("/xrpc/_health", (c) => c.json({ version }));
    if (labeler) {
      app.route("/", labelRoutes(labeler.labels));
      app.route("/", explainApi({ labeler, clock, publicUrl: config.PUBLIC_URL }));
    }
    let checks: PublicChecks | undefined;
    if (labeler) {
      const { LEXICON_AUTHORITY: authority, TRUSTED_PROXIES: trustedProxies } = config;
      checks = createPublicChecks({ labeler, clock, trustedProxies });
      app.route("/", emailXrpc({ labeler, clock, authority, trustedProxies, checks }));
      if (zone) app.route("/", listingXrpc(zone, { authority, checks }));
    }
    if (relay && answers) {
      const { PUBLIC_URL: publicUrl, TRUSTED_PROXIES: trustedProxies } = config;
      const { submission, spool, suppressions } = relay;
      app.route(
        "/v1",
        messagesApi({
          ...shared,
          relay: submission,
          spool,
          suppressions,
          tests: core && testDesk({ core, tests: relay.tests, spool, clock }),
          answers,
          publicUrl,
          trustedProxies,
        }),
      );
    }
    if (relay) {
      const trusted = config.TRUSTED_PROXIES;
      app.route("/u", unsubscribePages({ unsubscribe: relay.unsubscribe, trusted, clock, log }));
    }
    if (zone) app.route("/allowlist", allowlistFiles(zone));
    options.extend?.(app);
    const accounts =
      core && coreDb && (await openAccounts({ ...shared, people: core.people, db: coreDb, config, secrets }));
    if (core && coreDb && ruleStore && sessionKey && accounts) {
      mountCore(app, {
        core,
        accounts,
        relay,
        labeler,
        zone,
        providers,
        checks,
        ruleStore,
        submission,
        sessionKey,
        db: coreDb,
        resolver,
        clock,
        log,
        config,
        closing: closing.signal,
      });
    }
    if (relay && !core) {
      const key = derive(await openNodeKey(config), "session");
      mountNode(app, { relay, sessionKey: key, clock, log });
    }
    app.all("/xrpc/*", noSuchMethod);
    let http: Address | undefined;
    if (core || labeler || relay) {
      const server = await serveHttp(app, config.HTTP_ADDRESS);
      http = server.address;
      const labelStream = labeler && attachSubscribeLabels(server.server, labeler.labels);
      closers.push(async () => {
        closing.abort();
        await labelStream?.close();
        await server.close();
      });
    }
    if (kafka) {
      metrics.busWaiting.set(kafka.waiting());
      const run = async () => metrics.busWaiting.set(kafka.waiting());
      scheduler.every({ name: "bus measured", everyMs: 15_000, run });
    }
    const metricsServer = await serveHttp(metricsPage(metrics), config.METRICS_ADDRESS);
    closers.push(() => metricsServer.close());

    return {
      core,
      labeler,
      relay,
      zone,
      sessionKey,
      http,
      async settle() {
        // One pass can give work to a part that was quiet before: twice the chain is as far as a fact travels.
        for (let pass = 0; pass < 2; pass++) {
          await relay?.settle();
          await bus.settle();
          await core?.settle();
          await labeler?.settle();
          await bus.settle();
          await zone?.settle();
        }
      },
      async close() {
        await closeAll(closers, log);
      },
    };
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }
}

function portsOf(addresses: readonly Address[]): number[] {
  return addresses.map((address) => address.port);
}

/** Last opened, first closed. One that fails does not keep the others open. */
async function closeAll(closers: (() => Promise<void> | void)[], log: Logger): Promise<void> {
  for (const close of closers.splice(0).toReversed()) {
    try {
      await close();
    } catch (err) {
      log.error({ err }, "a part did not close cleanly");
    }
  }
}

/** For Prometheus, on an address of its own: a reverse proxy before the pages does not publish it. */
function metricsPage({ registry }: Metrics): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) =>
    c.text(await registry.metrics(), 200, { "content-type": registry.contentType }),
  );
  return app;
}

function issuedBy({ members }: Core): NonNullable<LabelerOptions["issuedTo"]> {
  return (did, domain) => (members.domain(domain)?.did === did ? members.keysOf(domain) : undefined);
}
