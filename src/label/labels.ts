import type { Keypair } from "@atproto/crypto";
import type { Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { signLabel, type Label, type UnsignedLabel } from "../protocol/labels/index.ts";
import { createStore, type SequencedLabel, type UriRange } from "./store.ts";
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
};

type LabelsListener = (labels: Label[]) => void;

export type Labels = ReturnType<typeof createLabels>;

/** Signs, stores and serves the public labels. One process owns the database. */
export function createLabels(options: LabelsOptions) {
  const { db, did, keypair, clock, log, metrics } = options;
  const ttlMs = options.ttlMs ?? 24 * 3_600_000;
  const keyId = keypair.did();
  const store = createStore(db);
  const listeners = new Set<LabelsListener>();
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
    store.transaction(() => {
      for (const label of labels) store.append(subject, label, keyId, now);
    });
    for (const label of labels) metrics?.labels.inc({ kind: label.neg ? "negate" : "assert" });
    log.info({ subject, asserted: plan.assert.length, negated: plan.negate.length }, "labels changed");
    for (const listener of listeners) listener(labels);
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
    return Promise.all(
      rows.map(async (row) => {
        if (row.keyId === keyId || row.label.src !== did) return row;
        const { sig: _, ...unsigned } = row.label;
        const label = await signLabel(unsigned, keypair);
        store.resigned(row.seq, label.sig, keyId);
        return { ...row, keyId, label };
      }),
    );
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
    /** Renews labels in the second half of their life, where they are still deserved. Returns how many accounts. */
    async renewDue(): Promise<number> {
      const now = clock.now();
      const subjects = store.expiring(now, now + ttlMs / 2);
      for (const subject of subjects) await inTurn(() => reconcileNow(subject));
      return subjects.length;
    },

    /** In force now: neither negated nor expired. */
    active: (): Label[] => store.active(clock.now()).map((row) => row.label),
    /** Everything ever said about an account and its records, oldest first. */
    history: (subject: string): SequencedLabel[] => store.history(subject),
    /** Called after each change is committed. Returns how to stop. */
    onLabels(listener: LabelsListener): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    lastSeq: (): number => store.lastSeq(),
    /** The stream past `seq`, at most `limit`. */
    after: (seq: number, limit: number): Promise<SequencedLabel[]> => withCurrentKey(store.after(seq, limit)),
    /** What is current for these subjects, past `seq`, at most `limit`, in the order of the stream. */
    current: (ranges: readonly UriRange[], seq: number, limit: number): Promise<SequencedLabel[]> =>
      withCurrentKey(store.current(ranges, seq, limit, clock.now())),
  };
}
