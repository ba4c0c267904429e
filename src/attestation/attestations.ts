import { appendToOutbox, type EventMaker } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { SafeFetch } from "../platform/fetch.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { checkDomain } from "./checks/index.ts";
import { followFirehose, type Firehose, type FirehoseHint } from "./firehose.ts";
import { createIdentityResolver } from "./identity.ts";
import { intake, type IntakeOutcome } from "./intake.ts";
import { createStore, hintUri, type Hint, type StoredAttestation } from "./store.ts";
import { CHECK_TIMES, nextState, summarize, type CheckTimes } from "./summary.ts";
import {
  ATTESTATION_COLLECTION,
  type Attestation,
  type AttestationChange,
  type CheckResult,
  type Pool,
} from "./types.ts";

export type AttestationsOptions = {
  db: Database;
  resolver: Resolver;
  clock: Clock;
  /** For DID documents and proofs: `createSafeFetch`. */
  fetch: SafeFetch;
  /** Origin of the PLC directory. */
  plcUrl: string;
  log: Logger;
  newEvent: EventMaker;
  pool: Pool;
  metrics?: Metrics;
  times?: Partial<CheckTimes>;
  /** Active attestations that one account may have. Default 50. */
  maxPerDid?: number;
};

export type Attestations = ReturnType<typeof createAttestations>;

const BATCH = 200;
const PARALLEL = 8;
const REPROVE_MS = 24 * 3_600_000;
const MAX_ATTEMPTS = 20;
const UNREACHABLE: ReadonlySet<string> = new Set(["did-unresolvable", "pds-unreachable"]);
/** Where a record that we hold should have been proved again, and was not. */
const UNPROVED: ReadonlySet<string> = new Set(["bad-proof", "stale"]);

/** Record intake, checks and what they say: one database, no timers of its own. */
export function createAttestations(options: AttestationsOptions) {
  const { db, clock, log, newEvent, pool, resolver } = options;
  const times: CheckTimes = { ...CHECK_TIMES, ...options.times };
  const store = createStore(db);
  const listeners = new Set<(change: AttestationChange) => void>();
  const resolveIdentity = createIdentityResolver(options);
  const parts = {
    store,
    resolveIdentity,
    fetch: options.fetch,
    now: () => clock.now(),
    maxPerDid: options.maxPerDid ?? 50,
  };

  function tell(kind: AttestationChange["kind"], a: Pick<Attestation, "uri" | "did" | "domain">): void {
    for (const listener of listeners) listener({ kind, uri: a.uri, did: a.did, domain: a.domain });
  }

  async function follow(hint: Hint): Promise<IntakeOutcome> {
    const uri = hintUri(hint);
    const before = store.get(uri)?.facts;
    const found = await intake(hint, parts);
    log.debug({ uri, outcome: found.outcome, detail: found.detail }, "attestation intake");
    if (UNREACHABLE.has(found.outcome) || (before?.endedAt === null && UNPROVED.has(found.outcome)))
      putAside(hint);
    else store.dropRetry(uri);
    const after = store.get(uri)?.facts;
    if (found.outcome === "stored" && after) tell("stored", after);
    if (before?.endedAt === null && after && after.endedAt !== null) tell("ended", after);
    return found;
  }

  /** Tries again after 1, 2, 4 … minutes, at most every 6 hours, and gives up after some days. */
  function putAside(hint: Hint): void {
    const uri = hintUri(hint);
    if (hint.rkey.length > 512 || store.retryAttempts(uri) >= MAX_ATTEMPTS) return store.dropRetry(uri);
    store.retryLater(hint, (n) => clock.now() + Math.min(60_000 * 2 ** (n - 1), 6 * 3_600_000));
  }

  function accountEnded(did: string): void {
    const ending = store.byDid(did).flatMap((a) => (a.facts.endedAt === null ? [a.facts] : []));
    store.transaction(() => {
      for (const { uri } of ending) store.end(uri, "account", undefined, clock.now());
    });
    for (const a of ending) tell("ended", a);
  }

  async function proveAgain(did: string): Promise<void> {
    for (const a of store.byDid(did)) await follow(a.hint);
  }

  async function followHint(hint: FirehoseHint): Promise<void> {
    if (hint.kind === "record") await follow(hint.hint);
    else if (hint.kind === "sync" || hint.active) await proveAgain(hint.did);
    else accountEnded(hint.did);
  }

  async function check({ facts, state }: StoredAttestation): Promise<CheckResult[]> {
    const { uri, did, domain, cid, record } = facts;
    const results = await checkDomain({ domain, did, attestation: record, pool }, resolver, () =>
      clock.now(),
    );
    const now = clock.now();
    const seen = summarize(results);
    const next = nextState(state, seen, now, times);
    const stored = store.transaction(() => {
      if (!store.putChecks(uri, cid, results, next, seen === "unknown" ? null : now)) return false;
      const findings = results.flatMap((r) =>
        r.findings.filter((f) => f.severity !== "info").map((f) => ({ check: r.check, ...f })),
      );
      appendToOutbox(db, [
        newEvent("domain_checked", {
          dedupe_key: `domain_checked ${uri} ${now}`,
          member: { did, domain },
          detail: { uri, cid, result: seen, summary: next.summary, failures: next.failures, findings },
        }),
      ]);
      return true;
    });
    options.metrics?.checks.inc({ outcome: seen });
    if (stored) tell("checked", facts);
    return results;
  }

  /** What nobody has proved or checked again in time is no longer believed: a dead checker fails closed. */
  function view({ facts }: StoredAttestation): Attestation {
    const now = clock.now();
    const checked = facts.checkedAt !== null && facts.checkedAt >= now - 3 * times.intervalMs;
    return checked && facts.provedAt >= now - 3 * REPROVE_MS ? facts : { ...facts, summary: "unknown" };
  }

  return {
    /** Follows one hint now. What is unreachable is tried again by `refreshDue`. */
    intake: follow,
    /** An account was deactivated, suspended, taken down or deleted: its attestations end. */
    accountEnded,
    /** Proves anew every record that we know of an account. */
    proveAgain,

    /** Checks new attestations at once and others when their time has come. Returns how many. */
    async checkDue(): Promise<number> {
      const due = store.dueForCheck(clock.now(), BATCH);
      await inParallel(due, PARALLEL, async (attestation) => {
        await check(attestation);
      });
      return due.length;
    },
    /** Checks one attestation now, whatever its time; undefined when it is not there or has ended. */
    async checkNow(uri: string): Promise<CheckResult[] | undefined> {
      const attestation = store.get(uri);
      return attestation?.facts.endedAt === null ? check(attestation) : undefined;
    },
    /** Repeats hints that could not be followed, and proves every record anew once a day. Returns how many. */
    async refreshDue(): Promise<number> {
      const now = clock.now();
      const hints = [...store.retriesDue(now, BATCH), ...store.dueForProof(now - REPROVE_MS, BATCH)];
      const unique = [...new Map(hints.map((hint) => [hintUri(hint), hint])).values()];
      await inParallel(unique, PARALLEL, async (hint) => {
        await follow(hint);
      });
      return unique.length;
    },
    /** Follows the event streams of these hosts until closed. */
    followFirehose(hosts: readonly string[]): Firehose {
      const collections = new Set([ATTESTATION_COLLECTION]);
      return followFirehose({ hosts, collections, store, clock, log, onHint: followHint });
    },

    /** Attestations that have not ended, by domain. */
    list: (): Attestation[] => store.active().map(view),
    /** Those of an account that have not ended: what `createLabels` asks for. */
    activeOf: (did: string): Attestation[] =>
      store
        .byDid(did)
        .map(view)
        .filter((a) => a.endedAt === null),
    /** All of an account, ended ones too. */
    byDid: (did: string): Attestation[] => store.byDid(did).map(view),
    /** All of a domain, ended ones too: several accounts may attest one. */
    byDomain: (domain: string): Attestation[] => store.byDomain(domain).map(view),
    latestChecks: (uri: string): CheckResult[] => store.checks(uri),
    /** Called after each change is committed. Returns how to stop. */
    onChange(listener: (change: AttestationChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
