/**
 * A consumer of a labeler as somebody else would write it: `@atcute/*` alone, an implementation of CBOR, the event
 * stream and the signatures of its own, and nothing of ours.
 */
import { ComAtprotoLabelSubscribeLabels } from "@atcute/atproto";
import { encode, fromBytes } from "@atcute/cbor";
import { verifySigWithDidKey } from "@atcute/crypto";
import { FirehoseError, FirehoseSubscription } from "@atcute/firehose";

type SubscribedLabel = ComAtprotoLabelSubscribeLabels.Labels["labels"][number];

/** A label as both endpoints of it say the same: without what a rotation changes. */
export type PlainLabel = Omit<SubscribedLabel, "sig" | "$type">;

export type LabelConsumer = {
  readonly cursor: number;
  /** Names of the errors and notices of the stream. */
  readonly notices: string[];
  /** Labels that did not verify with the key of that moment. */
  readonly forged: SubscribedLabel[];
  /** Neither negated nor expired at `now`, by subject and value. */
  inForce(now: number): PlainLabel[];
  /** Resolves once the cursor has come to `seq`. */
  reach(seq: number): Promise<void>;
  close(): void;
};

/** The label as it is signed: without `sig` (atproto label specification). */
export async function verifies(label: SubscribedLabel, key: string): Promise<boolean> {
  const { sig, $type: _, ...unsigned } = label;
  if (sig === undefined) return false;
  const bytes = Uint8Array.from(fromBytes(sig));
  return verifySigWithDidKey(key as `did:key:${string}`, bytes, encode(unsigned));
}

const keyOf = ({ src, uri, val }: SubscribedLabel) => `${src} ${uri} ${val}`;

/** Follows `subscribeLabels` from 0, and on from its cursor whenever the connection breaks. */
export function followLabels(options: {
  /** `ws://` or `wss://` origin. */
  service: string;
  /** The key `#atproto_label` of the labeler's DID document, a did:key. */
  key: () => Promise<string>;
}): LabelConsumer {
  let cursor = 0;
  const current = new Map<string, SubscribedLabel>();
  const notices: string[] = [];
  const forged: SubscribedLabel[] = [];
  let waiting: { seq: number; resolve: () => void }[] = [];

  async function take({ seq, labels }: ComAtprotoLabelSubscribeLabels.Labels): Promise<void> {
    for (const label of labels) {
      if (!(await verifies(label, await options.key()))) forged.push(label);
      const known = current.get(keyOf(label));
      if (!known || known.cts <= label.cts) current.set(keyOf(label), label);
    }
    cursor = seq;
    for (const one of waiting) if (one.seq <= seq) one.resolve();
    waiting = waiting.filter((one) => one.seq > seq);
  }

  const subscription = new FirehoseSubscription({
    service: options.service,
    nsid: ComAtprotoLabelSubscribeLabels.mainSchema,
    params: () => ({ cursor }),
    onError: (error) => notices.push(error instanceof FirehoseError ? error.error : String(error)),
    ws: { minReconnectionDelay: 50, maxReconnectionDelay: 50 },
  });
  const iterator = subscription[Symbol.asyncIterator]();
  void (async () => {
    for await (const message of iterator) {
      if (message.$type === "com.atproto.label.subscribeLabels#labels") await take(message);
      else notices.push(message.name);
    }
  })();

  return {
    get cursor() {
      return cursor;
    },
    notices,
    forged,
    inForce: (now) =>
      [...current.values()]
        .filter((label) => !label.neg && (label.exp === undefined || Date.parse(label.exp) > now))
        .map((label) => {
          const { sig: _, $type: __, ...plain } = label;
          return plain;
        }),
    reach: (seq) =>
      cursor >= seq ? Promise.resolve() : new Promise((resolve) => waiting.push({ seq, resolve })),
    close: () => void iterator.return(),
  };
}
