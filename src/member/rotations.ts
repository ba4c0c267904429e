import { randomId } from "../lib/ids.ts";
import { seal } from "../platform/seal.ts";
import { newDkimKeys } from "./dkim-keys.ts";
import type { MemberError } from "./errors.ts";
import type { MemberParts } from "./parts.ts";
import { keyRecords, type DnsRecordToPublish } from "./records.ts";
import { OVERLAP_MS, PROPAGATION_MS, rotationSteps, type RotationStep } from "./rotation.ts";
import type { DkimKeyRow, KeyState } from "./schema.ts";

/** Keys of a domain as they turn. Times in ms since the epoch. */
export type Rotation = {
  domain: string;
  keys: { selector: string; algorithm: "rsa" | "ed25519"; fingerprint: string; state: KeyState }[];
  /** Records of the next pair; empty when none is on its way. */
  publish: DnsRecordToPublish[];
  /** Since when the next pair is seen in the DNS, and from when it signs if it stays there. */
  seenAt: number | null;
  activeFrom: number | null;
  /** Records to keep until then, although their keys sign no more. */
  keep: { name: string; until: number }[];
  /** Records that may be removed, once the attestation no longer names them. */
  remove: string[];
};

/** A pair for a domain, sealed to the relay. */
export async function makeKeys(
  { sealTo, random, clock }: Pick<MemberParts, "sealTo" | "random" | "clock">,
  domain: string,
  state: KeyState,
): Promise<DkimKeyRow[]> {
  const fresh = await newDkimKeys(`atms${randomId(3, random)}`);
  const now = clock.now();
  return Promise.all(
    fresh.map(async ({ privatePem, ...key }) => ({
      ...key,
      domain,
      sealed: await seal(sealTo, privatePem),
      created_at: now,
      state,
      state_at: now,
      seen_at: null,
      gone_at: null,
    })),
  );
}

/** Turning the keys of a domain: a next pair, seen in the DNS, takes over; the old one stays published for a while. */
export function createRotations(parts: MemberParts) {
  const { store, keyStore, clock, changed } = parts;

  const nextOf = (domain: string) => keyStore.keysOf(domain).filter((key) => key.state === "next");

  return {
    /** Makes the next pair. The present one signs on until the next is seen in the DNS. */
    async rotate(domain: string): Promise<Rotation | MemberError> {
      const row = store.domain(domain);
      if (!row) return { error: "unknown-domain", domain };
      if (nextOf(domain).length > 0) return { error: "rotation-under-way", domain };
      const keys = await makeKeys(parts, domain, "next");
      const refused = store.transaction((): MemberError | undefined => {
        if (!store.domain(domain)) return { error: "unknown-domain", domain };
        if (nextOf(domain).length > 0) return { error: "rotation-under-way", domain };
        keys.forEach((key) => keyStore.insertKey(key));
        return undefined;
      });
      return refused ?? rotationOf(domain, keyStore.keysOf(domain));
    },

    rotation: (domain: string): Rotation | MemberError =>
      store.domain(domain)
        ? rotationOf(domain, keyStore.keysOf(domain))
        : { error: "unknown-domain", domain },

    /** Forgets the next pair. Once it signs there is nothing to cancel: rotate again. */
    cancelRotation: (domain: string): Rotation | MemberError =>
      keyStore.deleteNext(domain)
        ? rotationOf(domain, keyStore.keysOf(domain))
        : { error: "no-rotation", domain },

    /** Domains whose records are to be looked at. */
    turning: () => keyStore.turning(),

    /**
     * Takes what the DNS said of the records of the next pair (undefined: no answer), and does what follows. What was
     * looked at may have been cancelled meanwhile, and another pair made: of that nothing is known.
     */
    followRotation(
      domain: string,
      looked: { selectors: readonly string[]; seen: boolean | undefined },
      hurry = false,
    ): RotationStep[] {
      const now = clock.now();
      const steps = store.transaction(() => {
        const keys = keyStore.keysOf(domain);
        const known = keys.every((key) => key.state !== "next" || looked.selectors.includes(key.selector));
        const done = rotationSteps({ keys, seen: known ? looked.seen : undefined, now, hurry });
        for (const step of done) {
          if (step === "saw") keyStore.setSeen(domain, now);
          if (step === "lost") keyStore.setSeen(domain, null);
          if (step === "retire") keyStore.retire(domain, now - OVERLAP_MS, now);
          if (step === "activate") {
            keyStore.move(domain, "active", "retiring", now);
            keyStore.move(domain, "next", "active", now);
          }
        }
        return done;
      });
      const did = store.domain(domain)?.did;
      if (did !== undefined && steps.includes("activate")) changed(did);
      return steps;
    },

    /** A retired key's record was seen to be gone: it is not shown any more. */
    recordGone: (domain: string, selector: string): void =>
      void keyStore.setGone(domain, selector, clock.now()),
  };
}

const nameOf = (key: DkimKeyRow) => `${key.selector}._domainkey.${key.domain}`;

function rotationOf(domain: string, keys: DkimKeyRow[]): Rotation {
  const next = keys.filter((key) => key.state === "next");
  const seen = next.map((key) => key.seen_at);
  const seenAt = next.length > 0 && !seen.includes(null) ? Math.max(...seen.map((at) => at ?? 0)) : null;
  return {
    domain,
    keys: keys.map(({ selector, algorithm, fingerprint, state }) => ({
      selector,
      algorithm,
      fingerprint,
      state,
    })),
    publish: keyRecords(next),
    seenAt,
    activeFrom: seenAt === null ? null : seenAt + PROPAGATION_MS,
    keep: keys
      .filter((key) => key.state === "retiring")
      .map((key) => ({ name: nameOf(key), until: key.state_at + OVERLAP_MS })),
    remove: keys.filter((key) => key.state === "retired").map(nameOf),
  };
}
