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
  /** The DKIM-Signature fields: one for each key of the domain, then the pool's. Rejects when a key does not open. */
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
