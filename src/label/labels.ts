import type { Keypair } from "@atproto/crypto";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { signLabel, type Label, type UnsignedLabel } from "../protocol/labels/index.ts";
import { signProof, type ProofClaims } from "../protocol/proof/index.ts";
import { createStore, type LabelInForce, type SequencedLabel, type UriRange } from "./store.ts";
import { planLabels, wantedLabels, type AttestedDomain, type PublicStanding } from "./wanted.ts";

export type LabelsOptions = {
  db: Database;
  /** DID of the labeler: the `src` of every label. */
  did: string;
  /** The key `#atproto_label`, secp256k1. */
  keypair: Keypair;
  clock: Clock;
  log: Logger;
  metrics?: Metrics;
  /** The attestations of an account that have not ended: `attestations.activeOf`. */
  attestationsOf: (did: string) => AttestedDomain[];
  /** Public origin of the labeler; needed for the DID document of a did:web. */
  endpoint?: string;
  /** Life of a label; a few check intervals, so that a dead checker fails closed. Default 24 h. */
  ttlMs?: number;
  /** How long superseded labels stay in the stream. Default 7 days. */
  keepMs?: number;
};

type LabelsListener = (labels: SequencedLabel[]) => void;

const PRUNE_BATCH = 1_000;

export type Labels = ReturnType<typeof createLabels>;

/** Signs, stores and serves the public labels. One process owns the database. */
export function createLabels(options: LabelsOptions) {
  const { db, did, keypair, clock, log, metrics } = options;
  const ttlMs = options.ttlMs ?? 24 * 3_600_000;
  const keepMs = options.keepMs ?? 7 * DAY_MS;
  const keyId = keypair.did();
  const store = createStore(db);
  const listeners = new Set<LabelsListener>();
  const resigning = new Map<number, Promise<SequencedLabel>>();
  const startedAt = Math.floor(clock.now());
  let last: Promise<unknown> = Promise.resolve();

  /** One reconciliation at a time: between reading what stands and storing what follows, nothing else is said. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  }

  async function reconcileNow(subject: string): Promise<Label[]> {
    const now = clock.now();
    const publicStanding = store.standing(subject);
    const wanted = wantedLabels({
      did: subject,
      publicStanding,
      attestations: options.attestationsOf(subject),
    });
    const plan = planLabels(store.activeOf(subject), wanted, now, ttlMs);

    const unsigned: UnsignedLabel[] = [
      ...plan.negate.map(({ uri, cid, val }) =>
        draft({ uri, val, ...(cid === null ? {} : { cid }), neg: true }, now),
      ),
      ...plan.assert.map((label) => draft({ ...label, exp: new Date(now + ttlMs).toISOString() }, now)),
    ];
    if (unsigned.length === 0) return [];
    const labels = await Promise.all(unsigned.map((label) => signLabel(label, keypair)));
    const said = store.transaction(() =>
      labels.map((label) => ({ seq: store.append(subject, label, keyId, now), keyId, label })),
    );
    for (const label of labels) metrics?.labels.inc({ kind: label.neg ? "negate" : "assert" });
    log.info({ subject, asserted: plan.assert.length, negated: plan.negate.length }, "labels changed");
    for (const listener of listeners) listener(said);
    return labels;
  }

  /** For one subject and value the latest time is current, so it must move on. */
  function draft(
    label: Pick<UnsignedLabel, "uri" | "cid" | "val" | "neg" | "exp">,
    now: number,
  ): UnsignedLabel {
    const cts = new Date(Math.max(now, store.lastTime(label.uri, label.val) + 1)).toISOString();
    return { ver: 1, src: did, ...label, cts };
  }

  /** After a rotation, old labels are signed with the new key when they are next handed out; `cts` stays. */
  async function withCurrentKey(rows: SequencedLabel[]): Promise<SequencedLabel[]> {
    const old = rows.filter((row) => row.keyId !== keyId && row.label.src === did);
    if (old.length === 0) return rows;
    const fresh = new Map<number, SequencedLabel>();
    for (const row of await Promise.all(old.map(signedAnew))) fresh.set(row.seq, row);
    store.transaction(() => {
      for (const { seq, label } of fresh.values()) store.resigned(seq, label.sig, keyId);
    });
    return rows.map((row) => fresh.get(row.seq) ?? row);
  }

  /** Signed once, however many ask for it at the same time. */
  function signedAnew({ seq, label }: SequencedLabel): Promise<SequencedLabel> {
    const { sig: _, ...unsigned } = label;
    let work = resigning.get(seq);
    if (!work) {
      work = signLabel(unsigned, keypair)
        .then((signed) => ({ seq, keyId, label: signed }))
        .finally(() => resigning.delete(seq));
      resigning.set(seq, work);
    }
    return work;
  }

  return {
    did,
    /** The signing key as a did:key. */
    keyId,
    endpoint: options.endpoint,
    metrics,
    log,

    /** Brings the labels of an account and its records to what should be. Returns what was said. */
    reconcile: (subject: string): Promise<Label[]> => inTurn(() => reconcileNow(subject)),
    /** Takes over what core published on `PUBLIC_STANDING_TOPIC`. */
    setStanding(standing: PublicStanding): Promise<Label[]> {
      return inTurn(() => {
        store.putStanding(standing);
        return reconcileNow(standing.did);
      });
    },
    /** The message of `PUBLIC_STANDING_TOPIC` up to which standings are known in this database, 0 for none. */
    standingsUpTo: (): number => store.standingSeq(),
    standingsTaken: (seq: number): void => store.putStandingSeq(seq),
    /** Renews labels in the second half of their life, where they are still deserved. Returns how many accounts. */
    async renewDue(): Promise<number> {
      const now = clock.now();
      const subjects = store.expiring(now, now + ttlMs / 2);
      for (const subject of subjects) await inTurn(() => reconcileNow(subject));
      return subjects.length;
    },

    /** Signs a proof of reputation, a JWS, with the key of the labels. */
    prove: (claims: ProofClaims): Promise<string> => signProof(claims, keypair),

    /** Forgets what was superseded long ago, some at a time. Returns how many. */
    prune: (): number => store.prune(Math.floor(clock.now()) - keepMs, PRUNE_BATCH),

    /** In force now: neither negated nor expired. */
    active: (): Label[] => store.inForce(clock.now()).map(({ label }) => label),
    /** The same, with the time since when each has stood without a break. */
    inForce: (): LabelInForce[] => store.inForce(clock.now()),
    /** Those about one account and its records. */
    inForceOf: (subject: string): LabelInForce[] => store.inForceOf(subject, clock.now()),
    /** What is kept of all that was said about an account and its records, oldest first. */
    history: (subject: string): SequencedLabel[] => store.history(subject),
    /** Called after each change is committed. Returns how to stop. */
    onLabels(listener: LabelsListener): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    lastSeq: (): number => store.lastSeq(),
    /**
     * No cursor beyond it can have come from here. Numbers follow the clock, so those below the start may have been
     * given out by a database that was lost since and restored from an older copy.
     */
    highestCursor: (): number => Math.max(store.lastSeq(), startedAt),
    /** Whether something that followed this cursor is no longer kept. */
    isOutdated: (cursor: number): boolean => cursor < store.prunedTo(),
    /** The stream past `seq`, at most `limit`. */
    after: (seq: number, limit: number): Promise<SequencedLabel[]> => withCurrentKey(store.after(seq, limit)),
    /** What is current for these subjects, past `seq`, at most `limit`, in the order of the stream. */
    current: (ranges: readonly UriRange[], seq: number, limit: number): Promise<SequencedLabel[]> =>
      withCurrentKey(store.current(ranges, seq, limit, clock.now())),
  };
}
