import {
  attestationMigration,
  createAttestations,
  type AttestationsOptions,
  type Pool,
  type Source,
} from "../attestation/index.ts";
import { outboxMigration, pumpOutbox, readOutbox, clearOutbox } from "../event/index.ts";
import {
  PUBLIC_STANDING_TOPIC,
  createLabels,
  labelMigration,
  type LabelsOptions,
  type PublicStanding,
} from "../label/index.ts";
import type { Database, Migration } from "../platform/database.ts";
import type { SafeFetch } from "../platform/fetch.ts";
import { attempt } from "./attempt.ts";
import type { RoleParts } from "./role-parts.ts";

export const labelerMigrations: Migration[] = [attestationMigration, labelMigration, outboxMigration];

export type LabelerOptions = RoleParts & {
  db: Database;
  fetch: SafeFetch;
  plcUrl: string;
  did: string;
  keypair: LabelsOptions["keypair"];
  endpoint: string;
  pool: Pool;
  /** Where hints of records come from. */
  sources: readonly Source[];
  /** Relays and hosts that are asked once a day which accounts have attestations. */
  sweepHosts: readonly string[];
  /** NSID authority of our own lexicons. */
  authority: string;
  /** Sandbox and tests: sources may be on private addresses. */
  allowPrivate: boolean;
  checkIntervalMs: number;
  /** Lets the web and mail servers of verified domains be looked at. */
  transport?: AttestationsOptions["transport"];
  /** DKIM keys that were issued to an account for a domain: publishing one proves control. Only core knows them. */
  issuedTo?: AttestationsOptions["issuedTo"];
};

export type Labeler = ReturnType<typeof createLabeler>;

/** The role that proves attestations, checks domains and signs labels. */
export function createLabeler(options: LabelerOptions) {
  const { db, bus, log, scheduler } = options;
  const attestations = createAttestations({ ...options, times: { intervalMs: options.checkIntervalMs } });
  const labels = createLabels({
    ...options,
    ttlMs: 4 * options.checkIntervalMs,
    attestationsOf: (did) => attestations.activeOf(did),
  });
  const outbox = {
    read: (limit: number) => readOutbox(db, limit),
    clear: (upTo: number) => clearOutbox(db, upTo),
  };

  const pending = new Set<Promise<unknown>>();
  function track(what: string, work: () => Promise<unknown>): void {
    const run = attempt(log, what, work).finally(() => pending.delete(run));
    pending.add(run);
  }

  attestations.onChange(({ kind, uri, did }) => {
    if (kind === "stored") track("check of a new attestation", () => attestations.checkNow(uri));
    else track("labels after a change", () => labels.reconcile(did));
    if (kind !== "stored") track("outbox of the labeler", () => pumpOutbox(outbox, bus));
  });
  const standings = bus.subscribe<PublicStanding>(
    PUBLIC_STANDING_TOPIC,
    "labeler",
    async (batch) => {
      for (const { value } of batch) await labels.setStanding(value);
      labels.standingsTaken(batch.at(-1)!.seq);
    },
    labels.standingsUpTo(),
  );
  const stream = attestations.followSources(options.sources);
  scheduler.every({
    name: "checks of attested domains",
    everyMs: 30_000,
    run: async (signal) => void (await attestations.checkDue(signal)),
  });
  scheduler.every({
    name: "servers of attested domains",
    everyMs: 60_000,
    run: async (signal) => void (await attestations.probeDue(signal)),
  });
  scheduler.every({
    name: "proofs of attestations",
    everyMs: 60_000,
    run: async () => void (await attestations.refreshDue()),
  });
  scheduler.every({
    name: "sweep for attestations",
    everyMs: 600_000,
    run: async (signal) => void (await attestations.sweepDue(options.sweepHosts, signal)),
  });
  scheduler.every({
    name: "renewal of labels",
    everyMs: 300_000,
    run: async () => void (await labels.renewDue()),
  });
  scheduler.every({
    name: "superseded labels pruned",
    everyMs: 3_600_000,
    run: async (signal) => {
      while (!signal.aborted && labels.prune() > 0) await new Promise((resolve) => setImmediate(resolve));
    },
  });
  scheduler.every({
    name: "outbox of the labeler",
    everyMs: 5_000,
    run: async () => void (await pumpOutbox(outbox, bus)),
  });

  return {
    attestations,
    labels,
    async settle() {
      await stream.settle();
      while (pending.size > 0) await Promise.all(pending);
    },
    async close() {
      await stream.close();
      await standings.close();
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}
