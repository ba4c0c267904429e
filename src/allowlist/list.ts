import type { Clock } from "../lib/clock.ts";
import type { Label } from "../protocol/labels/index.ts";
import { labelToJson } from "../protocol/labels/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import {
  canonicalAddress,
  isProved,
  nextProof,
  proveAddress,
  type AddressCode,
  type AddressEntry,
} from "./addresses.ts";
import { entryFor, labelValues, type Entry } from "./entries.ts";
import type { ListPlace } from "./names.ts";
import {
  addressKey,
  isAddressKey,
  type AllowlistStore,
  type ClaimWithEgress,
  type Listing,
} from "./store.ts";

/** The pool's own addresses, by which its members' mail leaves; who it is, and the domain whose SPF names them. */
export type ListPool = { did: string; addresses: readonly string[]; spfDomain: string };

export type ListOptions = {
  store: AllowlistStore;
  place: ListPlace;
  pool: ListPool;
  resolver: Resolver;
  clock: Clock;
  /** Sandbox and tests: addresses on private networks may be listed. Default false. */
  allowPrivate?: boolean;
};

export type List = ReturnType<typeof createList>;

/** Values that carry an entry; of other labels nothing is kept. */
const VALUES = new Set(["verified-mail-operator", "verified-member", "clean-sender"]);
const BATCH = 500;
const REPROVE_MS = 6 * 3_600_000;
const RETRY_MS = 15 * 60_000;
const PARALLEL = 8;
const KEEP_PROOFS_MS = 7 * 24 * 3_600_000;

/** What the list should be: brought up to date from labels, attestations and the DNS. Publishes nothing. */
export function createList({ store, place, pool, resolver, clock, allowPrivate = false }: ListOptions) {
  function refresh(did: string): void {
    const claimed = store.claimsOf(did).map(({ domain }) => domain);
    const stood = [...store.wantedOf(did), ...store.listedOf(did)].map(({ key }) => key);
    for (const domain of new Set([...claimed, ...stood])) if (!isAddressKey(domain)) refreshDomain(domain);
    store.clean(did);
  }

  function refreshDomain(domain: string): void {
    const entry = entryFor(domain, store.claimsOn(domain), ({ did }) => store.labelsOf(did), place);
    const before = store.wanted(domain);
    const listed = store.listed(domain);
    const old = listed && (JSON.parse(listed.json) as Entry);
    // Gone by itself: the version that was labelled still stands, and nobody took a label back.
    const lapsed = !entry && !!old && store.claimStands(old.uri, old.cid) && !store.tookBack(old);
    if (!entry && !before && !listed) return;
    store.want(domain, entry && domainListing(entry), clock.now(), lapsed);
  }

  function refreshAddresses(): void {
    const now = clock.now();
    const wanted = new Map<string, Listing>();
    for (const { address, domain, did, code } of namedAddresses()) {
      const proof = store.proof(address, domain);
      const key = addressKey(address);
      if (!isProved(proof, now) || wanted.has(key)) continue;
      wanted.set(key, addressListing({ address, did, code, domain, host: proof!.host!, spf: "pass" }));
    }
    const stood = [...store.addresses("wanted"), ...store.addresses("listed")];
    for (const key of new Set([...wanted.keys(), ...stood])) store.want(key, wanted.get(key), now, false);
  }

  function namedAddresses(): { address: string; domain: string; did: string; code: AddressCode }[] {
    const own = pool.addresses.flatMap((text) => {
      const address = canonicalAddress(text);
      return address === undefined
        ? []
        : [{ address, domain: pool.spfDomain, did: pool.did, code: "127.0.3.1" as const }];
    });
    const members = store.wantedEgress().flatMap(({ did, domain, egress }) =>
      egress.flatMap((text) => {
        const address = canonicalAddress(text);
        return address === undefined ? [] : [{ address, domain, did, code: "127.0.6.1" as const }];
      }),
    );
    return [...own, ...members];
  }

  return {
    /** Takes over verified labels of one labeler's stream, up to and with `cursor`, in one transaction. */
    takeLabels(src: string, labels: readonly Label[], cursor: number): void {
      store.transaction(() => {
        for (const label of labels) {
          const did = accountOf(label.uri);
          if (label.src !== src || !VALUES.has(label.val) || did === undefined) continue;
          store.putLabel(labelToJson(label), did, label.exp === undefined ? null : Date.parse(label.exp));
        }
        store.putCursor(src, cursor);
      });
    },
    /** The attestations of an account that stand now. */
    putClaims(did: string, claims: readonly ClaimWithEgress[]): void {
      store.transaction(() => store.putClaims(did, claims));
    },
    /** The stream of a labeler is read from its beginning next time. */
    forgetPlace: (src: string): void => store.forgetCursor(src),
    /** A labeler was not heard for long: what it said counts as lapsed, until it is read again from the beginning. */
    silence: (src: string): boolean =>
      store.transaction(() => {
        store.forgetCursor(src);
        return store.silence(src) > 0;
      }),
    /** Labelers that are not among these are trusted no more. */
    trustOnly(labelers: ReadonlySet<string>): void {
      for (const src of store.labelers())
        if (!labelers.has(src)) store.transaction(() => store.forgetLabeler(src));
    },
    /** Brings what is wanted up to date with what is known. Some accounts at a time; true when all was done. */
    settle(): boolean {
      return store.transaction(() => {
        store.expire(clock.now());
        const some = store.dirty(BATCH);
        for (const did of some) refresh(did);
        if (some.length === BATCH) return false;
        refreshAddresses();
        return true;
      });
    },
    /** Asks the DNS for addresses whose proof is due. Returns how many were asked. */
    async proveDue(signal: AbortSignal): Promise<number> {
      const now = clock.now();
      const due = namedAddresses().filter(({ address, domain }) => {
        const proof = store.proof(address, domain);
        return !proof || now - proof.askedAt >= (proof.why === null ? REPROVE_MS : RETRY_MS);
      });
      for (let at = 0; at < due.length && !signal.aborted; at += PARALLEL)
        await Promise.all(
          due.slice(at, at + PARALLEL).map(async ({ address, domain, did }) => {
            const finding = await proveAddress(address, domain, resolver, { allowPrivate });
            store.putProof(
              address,
              domain,
              did,
              nextProof(store.proof(address, domain), finding, clock.now()),
            );
          }),
        );
      store.forgetProofs(now - KEEP_PROOFS_MS);
      return due.length;
    },
  };
}

/** The account that a label speaks of: of a record its repository. */
function accountOf(uri: string): string | undefined {
  return /^(?:at:\/\/)?(did:[a-z]+:[A-Za-z0-9._:%-]{1,500})(?:\/|$)/.exec(uri)?.[1];
}

function domainListing(entry: Entry): Listing {
  const { domain, did, code, uri } = entry;
  return {
    key: domain,
    did,
    code,
    text: `${labelValues(entry).join(" ")} ${uri}`,
    json: JSON.stringify(entry),
  };
}

function addressListing(entry: AddressEntry): Listing {
  const whose = entry.code === "127.0.3.1" ? "of the pool" : "of a verified member";
  return {
    key: addressKey(entry.address),
    did: entry.did,
    code: entry.code,
    text: `egress address ${whose} ${entry.domain} ${entry.host}`,
    json: JSON.stringify(entry),
  };
}
