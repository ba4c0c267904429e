import { appendToOutbox, type EventMaker } from "../event/index.ts";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import { isStorageOutage, type Database } from "../platform/database.ts";
import type { SafeFetch } from "../platform/fetch.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { cached, type Resolver } from "../protocol/dns/index.ts";
import { checkDomain, probeDomain, withProbes } from "./checks/index.ts";
import { createFollower } from "./follow.ts";
import { createHostRests } from "./host-rests.ts";
import { createIdentityResolver } from "./identity.ts";
import { inParallel } from "./parallel.ts";
import { createProgress } from "./progress.ts";
import { collectionsOf } from "./records.ts";
import { followSources, type Source, type Stream } from "./source/index.ts";
import { sweep } from "./source/sweep.ts";
import { createStore, hintUri, type StoredAttestation } from "./store.ts";
import { CHECK_TIMES, nextState, summarize, type CheckTimes } from "./summary.ts";
import type { Attestation, AttestationChange, CheckInput, CheckResult, Pool, Transport } from "./types.ts";

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
  /** Under which NSID authority our own lexicons are published. Default `community.email`. */
  authority?: string;
  /** Keys that the cooperative made for this account and domain: one of them in the DNS proves control. */
  issuedTo?: (did: string, domain: string) => CheckInput["issued"];
  /** Lets `probeDue` speak to the web and mail servers of verified domains. Without it only the DNS is asked. */
  transport?: Transport;
  /** Sandbox and tests: sources may be on private addresses. Default false. */
  allowPrivate?: boolean;
};

export type Attestations = ReturnType<typeof createAttestations>;

const BATCH = 200;
const PARALLEL = 8;
/** Domains checked at once: a silent name server holds one for up to a minute, and costs nothing meanwhile. */
const PARALLEL_CHECKS = 96;
/** Answers held in rounds: the hosts and includes that many domains share stay, as they are asked for again. */
const CACHED_ANSWERS = 10_000;
const REPROVE_MS = DAY_MS;
/** Domains whose servers are looked at at once. */
const PARALLEL_PROBES = 8;
/** What was seen longer ago is not shown. */
const PROBES_KEPT_MS = 3 * DAY_MS;
/** A domain is believed anew only on a proof, and so an identity, of the last minutes. */
const FRESH_MS = 10 * 60_000;

/** Record intake, checks and what they say: one database, no timers of its own. */
export function createAttestations(options: AttestationsOptions) {
  const { db, clock, log, newEvent, pool, resolver } = options;
  const times: CheckTimes = { ...CHECK_TIMES, ...options.times };
  // A domain without an attestation is vouched for by nobody: told in the transaction that ends it, core holds its mail.
  const store = createStore(db, ({ uri, did, domain }) =>
    appendToOutbox(db, [
      newEvent("domain_checked", {
        dedupe_key: `attestation_ended ${uri} ${clock.now()}`,
        member: { did, domain },
        detail: { uri, summary: "ended" },
      }),
    ]),
  );
  const listeners = new Set<(change: AttestationChange) => void>();
  const now = () => clock.now();
  const rounds = cached(resolver, { now, size: CACHED_ANSWERS });
  const progress = createProgress(db);
  const collections = collectionsOf(options.authority);
  const rests = createHostRests(now);
  const maxPerDid = options.maxPerDid ?? 50;
  const resolveIdentity = createIdentityResolver(options);
  const parts = { store, resolveIdentity, fetch: options.fetch, rests, collections, now, maxPerDid };
  const follower = createFollower({ intake: parts, progress, clock, log, tell });
  const { follow } = follower;

  function tell(kind: AttestationChange["kind"], a: Pick<Attestation, "uri" | "did" | "domain">): void {
    for (const listener of listeners) listener({ kind, uri: a.uri, did: a.did, domain: a.domain });
  }

  const runChecks = (input: CheckInput, asked: Resolver = resolver): Promise<CheckResult[]> =>
    checkDomain(
      {
        ...input,
        allowPrivate: options.allowPrivate,
        issued: input.did === undefined ? undefined : options.issuedTo?.(input.did, input.domain),
      },
      asked,
      now,
    );

  /** Results of checks, with what was last seen at the servers. */
  const seenAt = (uri: string, results: CheckResult[]): CheckResult[] =>
    withProbes(results, store.probes(uri, clock.now() - PROBES_KEPT_MS));

  /** Before a domain is believed that was not: its record, proved just now against the account's identity of now. */
  async function isProvedAfresh({ facts, hint }: StoredAttestation): Promise<boolean> {
    if (clock.now() - facts.provedAt <= FRESH_MS) return true;
    const { outcome } = await follow(hint);
    return outcome === "unchanged";
  }

  async function check(attestation: StoredAttestation, asked: Resolver): Promise<CheckResult[]> {
    const { facts, state } = attestation;
    const { uri, did, domain, cid, record } = facts;
    const results = await runChecks({ domain, did, attestation: record, pool }, asked);
    const grants = summarize(results) === "verified" && view(attestation).summary !== "verified";
    const seen = grants && !(await isProvedAfresh(attestation)) ? "unknown" : summarize(results);
    const now = clock.now();
    const next = nextState(state, seen, now, times);
    const stored = store.transaction(() => {
      if (!store.putChecks(uri, cid, results, next, seen === "unknown" ? null : now)) return false;
      const findings = results.flatMap((r) =>
        r.findings.filter((f) => f.severity !== "info").map((f) => ({ check: r.check, ...f })),
      );
      appendToOutbox(db, [
        newEvent("domain_checked", {
          dedupe_key: `domain_checked ${uri} ${now} ${seen}`,
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

  /** What is due, each once; more is read as it is taken, and what is under way is still due in the store. */
  function* dueForCheck(signal: AbortSignal | undefined): Generator<StoredAttestation> {
    const taken = new Set<string>();
    for (;;) {
      const due = store.dueForCheck(clock.now(), BATCH).filter(({ facts }) => !taken.has(facts.uri));
      if (due.length === 0) return;
      for (const attestation of due) {
        if (signal?.aborted) return;
        taken.add(attestation.facts.uri);
        yield attestation;
      }
    }
  }

  return {
    /** Follows one hint now. What is unreachable is tried again by `refreshDue`. */
    intake: follow,
    /** What an event stream would say; followed as if one had said it. */
    followHint: follower.followHint,

    /**
     * Checks new attestations at once and others when their time has come, until none is due. Returns how many. Answers
     * are shared between domains for minutes at most; a domain that failed is looked at afresh.
     */
    async checkDue(signal?: AbortSignal): Promise<number> {
      let checked = 0;
      await inParallel(dueForCheck(signal), PARALLEL_CHECKS, async (attestation) => {
        checked++;
        try {
          await check(attestation, attestation.state.failures > 0 ? resolver : rounds);
        } catch (err) {
          if (isStorageOutage(err)) throw err;
          log.error({ err, uri: attestation.facts.uri }, "check failed; the others go on");
        }
      });
      return checked;
    },
    /** Checks one attestation now, whatever its time; undefined when it is not there or has ended. */
    async checkNow(uri: string): Promise<CheckResult[] | undefined> {
      const attestation = store.get(uri);
      return attestation?.facts.endedAt === null ? check(attestation, resolver) : undefined;
    },
    /**
     * Looks once a day at the web and mail servers of each verified domain, so only of one that we know to be its
     * account's. What it sees is told, and decides nothing. Returns how many domains.
     */
    async probeDue(signal?: AbortSignal): Promise<number> {
      const { transport } = options;
      if (!transport) return 0;
      const due = store.dueForProbe(clock.now(), BATCH).filter((one) => view(one).summary === "verified");
      let looked = 0;
      await inParallel(due, PARALLEL_PROBES, async ({ facts: { uri, domain } }) => {
        if (signal?.aborted) return;
        const results = await probeDomain(domain, rounds, now, transport);
        store.putProbes(uri, results, clock.now(), clock.now() + DAY_MS);
        looked++;
      });
      return looked;
    },
    /** Repeats hints that could not be followed, and proves every record anew once a day. Returns how many. */
    async refreshDue(): Promise<number> {
      const now = clock.now();
      const hints = [...progress.retriesDue(now, BATCH), ...store.dueForProof(now - REPROVE_MS, BATCH)];
      const unique = [...new Map(hints.map((hint) => [hintUri(hint), hint])).values()];
      await inParallel(unique, PARALLEL, async (hint) => {
        await follow(hint);
      });
      return unique.length;
    },
    /** Follows these sources until closed. */
    followSources(sources: readonly Source[]): Stream {
      return followSources(sources, {
        collections: new Set(collections.keys()),
        allowPrivate: options.allowPrivate ?? false,
        positions: progress.positions,
        clock,
        log,
        onHint: follower.followHint,
        onGap: () => progress.clearSweeps(),
      });
    },
    /** Asks these relays and hosts, once a day, which accounts have attestations. Returns how many it looked at. */
    sweepDue(hosts: readonly string[], signal: AbortSignal = new AbortController().signal): Promise<number> {
      const more = { store, progress, resolveIdentity, rests, clock, log, maxPerDid, follow };
      return sweep(hosts, { ...more, fetch: options.fetch, collections: [...collections.keys()] }, signal);
    },

    /**
     * Looks at a domain for anybody, and keeps nothing. With `did`, the proved attestation of that account is compared
     * with the DNS; `selectors` are looked at beside it.
     */
    async examine(
      domain: string,
      { did, selectors = [] }: { did?: string | undefined; selectors?: readonly string[] | undefined } = {},
    ): Promise<{ attestation: Attestation | undefined; results: CheckResult[] }> {
      const attestation = store
        .byDomain(domain)
        .map(view)
        .find((a) => a.did === did && a.endedAt === null);
      const input = { domain, did, selectors, attestation: attestation?.record };
      const results = await runChecks({ ...input, pool: attestation?.record.relay && pool });
      // Nobody may make us knock at servers by asking: what is told of them was seen in our own time.
      return { attestation, results: attestation ? seenAt(attestation.uri, results) : results };
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
    latestChecks: (uri: string): CheckResult[] => seenAt(uri, store.checks(uri)),
    /** Called after each change is committed. Returns how to stop. */
    onChange(listener: (change: AttestationChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
