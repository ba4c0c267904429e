import {
  createEgress,
  EGRESS_TOPIC,
  egressMigration,
  type EgressNotice,
  type RunningEgress,
} from "../egress/index.ts";
import { dataPath, type Config } from "../platform/config/index.ts";
import { Database } from "../platform/database.ts";
import { MAX_POLICY_BYTES } from "../protocol/mta-sts/index.ts";
import { faultOfLocalAddress } from "../platform/local-address.ts";
import { createHttpsText } from "../platform/https-text.ts";
import { ageMigration, createAges, type Ages } from "../relay/index.ts";
import { createMeasures, measuresMigration, type Measures, type Shaping } from "../shaping/index.ts";
import { openTransport, transportMigration, type Transport } from "../transport/index.ts";
import { tlsReportMigration, type TlsReports } from "../tls-report/index.ts";
import { attempt } from "./attempt.ts";
import type { RoleParts } from "./role-parts.ts";
import { openReports } from "./tls-reports.ts";

const MINUTE_MS = 60_000;
const BOUND_EVERY_MS = MINUTE_MS;
const LISTINGS_EVERY_MS = 15 * MINUTE_MS;
const REVERSE_EVERY_MS = 60 * MINUTE_MS;
const POLICIES_EVERY_MS = 5 * MINUTE_MS;
/** To fetch a policy: mail to that domain waits so long for it at most. */
const POLICY_MS = 15_000;
/** Several nodes do not ask the same lists in the same second. */
const JITTER = 0.1;

export type DeliveryParts = {
  egress: RunningEgress;
  transport: Transport;
  /** Undefined: reports are switched off. */
  reports: TlsReports | undefined;
  measures: Measures;
  ages: Ages;
  close: () => void;
};

/** What delivery needs beside the spool, over one database: `delivery.sqlite`. */
export function openDeliveryParts(options: RoleParts & { config: Config; shaping: Shaping }): DeliveryParts {
  const { config, bus, clock, log, metrics, resolver, scheduler } = options;
  const db = new Database(dataPath(config, "delivery.sqlite"), [
    egressMigration,
    transportMigration,
    measuresMigration,
    tlsReportMigration,
    ageMigration,
  ]);
  const named = config.EGRESS_ADDRESSES;
  const egress = createEgress({
    db,
    addresses: named.length > 0 ? named : [{ address: "", ehlo: config.POOL_HOSTNAME }],
    warm: config.EGRESS_WARM.includes("all") ? "all" : new Set(config.EGRESS_WARM),
    blocklists: config.EGRESS_BLOCKLISTS,
    lastListed: config.EGRESS_LAST_LISTED,
    allowPrivate: config.ALLOW_PRIVATE_NETWORK,
    resolver,
    clock,
    log,
    metrics,
    localFault: faultOfLocalAddress,
    notify: (notice: EgressNotice) =>
      void attempt(log, "telling of an egress address", () =>
        bus.publish(EGRESS_TOPIC, [{ key: notice.address, value: notice }]),
      ),
  });
  const tasks: [name: string, everyMs: number, run: () => Promise<void>][] = [
    ["egress addresses bound", BOUND_EVERY_MS, egress.checkBound],
    ["blocklists asked", LISTINGS_EVERY_MS, egress.checkListings],
    ["reverse DNS of egress addresses", REVERSE_EVERY_MS, egress.checkReverse],
  ];
  if (named.length > 0)
    for (const [name, everyMs, run] of tasks) scheduler.every({ name, everyMs, jitter: JITTER, run });
  const fetch = createHttpsText({
    resolver,
    allowPrivate: config.ALLOW_PRIVATE_NETWORK,
    maxBytes: MAX_POLICY_BYTES,
    timeoutMs: POLICY_MS,
  });
  const measures = createMeasures({ db, log });
  const ages = createAges({ db, clock, log, metrics });
  const transport = openTransport({ db, resolver, fetch, clock, log, ruleOf: options.shaping.domainRule });
  const reports = openReports(options, db);
  scheduler.every({
    name: "MTA-STS kept",
    everyMs: POLICIES_EVERY_MS,
    jitter: JITTER,
    run: transport.refresh,
  });
  scheduler.every({
    name: "DNSSEC looked for",
    everyMs: 60 * MINUTE_MS,
    run: async () => void (await transport.validates()),
  });
  return {
    egress,
    transport,
    reports,
    measures,
    ages,
    close() {
      egress.close();
      measures.close();
      transport.close();
      reports?.close();
      db.close();
    },
  };
}
