import { createPrivateKey, type KeyObject } from "node:crypto";
import type { DkimKeyPolicy, DomainPolicy } from "../../policy/index.ts";
import { signMessage, type DkimKey } from "../../protocol/dkim/index.ts";

type SigningJob = {
  head: Uint8Array;
  bodyHash: string;
  /** The member's domain whose keys sign; undefined for the pool's own mail. */
  domain: DomainPolicy | undefined;
  now: number;
};

export interface Signer {
  /** The DKIM-Signature fields: one for each key of the domain, then the pool's. Rejects when one of them is not made. */
  sign(job: SigningJob): Promise<string>;
}

const KEPT_KEYS = 10_000;

/**
 * Signs with keys that are opened once and kept. The body was hashed while it came in, and the private-key
 * operations run in libuv's threads, so the event loop only puts the headers in form.
 */
export function createSigner(options: {
  open: (sealed: string) => Promise<string>;
  poolKeys: readonly DkimKey[];
}): Signer {
  const opened = new Map<string, Promise<KeyObject>>();

  function keyOf({ sealed }: DkimKeyPolicy): Promise<KeyObject> {
    let key = opened.get(sealed);
    if (!key) {
      key = options.open(sealed).then(createPrivateKey);
      key.catch(() => opened.delete(sealed));
      opened.set(sealed, key);
      if (opened.size > KEPT_KEYS) opened.delete(opened.keys().next().value!);
    }
    return key;
  }

  return {
    async sign({ head, bodyHash, domain, now }) {
      if (domain?.keys.length === 0) throw new Error(`${domain.name} has no key that signs`);
      const own = await Promise.all(
        (domain?.keys ?? []).map(async (policy) => ({
          domain: domain!.name,
          selector: policy.selector,
          algorithm: policy.algorithm,
          key: await keyOf(policy),
        })),
      );
      return signMessage({ head, body: { bodyHash }, keys: [...own, ...options.poolKeys], now });
    },
  };
}

const FIRST_FIELD = Buffer.from("DKIM-Signature: ");

/** The header block with its signatures, which stand above everything else. */
export function withSignatures(signatures: string, head: Uint8Array): Uint8Array {
  const prefix = Buffer.from(signatures, "latin1");
  const whole = new Uint8Array(prefix.length + head.length);
  whole.set(prefix);
  whole.set(head, prefix.length);
  return whole;
}

/** Is it one of ours? Whatever the spool says, mail without signatures does not leave. */
export function isSigned(head: Uint8Array): boolean {
  return FIRST_FIELD.equals(head.subarray(0, FIRST_FIELD.length));
}
