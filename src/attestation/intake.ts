import type { LexMap } from "@atproto/lex";
import type { SafeFetch } from "../platform/fetch.ts";
import { normalizeDomain } from "./domain.ts";
import type { HostRests } from "./host-rests.ts";
import { isAccountDid, type ResolveIdentity } from "./identity.ts";
import { verifyRecordProof } from "./proof.ts";
import type { Collections } from "./records.ts";
import { fetchRecordProof } from "./repository.ts";
import { hintUri, type AttestationStore, type Hint, type Known } from "./store.ts";
import type { AttestationRecord } from "./types.ts";

export type IntakeOutcome = {
  outcome:
    /** A new record, or a new version of one. */
    | "stored"
    /** The version that we hold was proved again. */
    | "unchanged"
    /** A record that we held is proved to be gone, or its new version is no attestation. */
    | "ended"
    /** There is no record, and we held none. */
    | "absent"
    /** The proof is not newer than what we know. */
    | "stale"
    | "other-collection"
    | "bad-did"
    | "bad-rkey"
    | "did-unresolvable"
    | "pds-unreachable"
    | "account-inactive"
    | "bad-proof"
    | "bad-record"
    | "rkey-mismatch"
    | "too-many";
  uri: string;
  detail?: string;
  /** The account is deleted, by what its directory or its host says. */
  gone?: boolean;
};

/** What a proof, read against the lexicon, says about the record at a place. */
export type Claim =
  | { kind: "attestation"; rev: string; cid: string; domain: string; record: AttestationRecord }
  | { kind: "unusable"; rev: string; outcome: "bad-record" | "rkey-mismatch"; detail: string }
  | { kind: "absent"; rev: string };

/**
 * What intake does with a proved claim, given what it knew of the record and `latestRev`, the newest revision at
 * which anything of the account was proved: the whole decision, without I/O.
 */
export function decideIntake(
  known: Known | undefined,
  claim: Claim,
  latestRev = "",
): "store" | "touch" | "end" | "ignore" | "stale" {
  if (claim.rev < latestRev) return "stale";
  if (!known) return claim.kind === "attestation" ? "store" : "ignore";
  const sameVersion = claim.kind === "attestation" && claim.cid === known.cid;
  if (known.endedBy === null && sameVersion && claim.rev >= known.rev) return "touch";
  // A paused account comes back with the revision that it had.
  if (known.endedBy === "account" && claim.kind === "attestation" && claim.rev >= known.rev) return "store";
  if (known.endedBy !== null && claim.kind !== "attestation" && claim.rev >= known.rev) return "ignore";
  if (claim.rev <= known.rev) return "stale";
  if (claim.kind === "attestation") return "store";
  return "end";
}

/** Reads a proved record: valid by the lexicon of its collection, its key the domain in normal form. */
export function readClaim(
  place: Pick<Hint, "collection" | "rkey">,
  proof: { rev: string; cid: string; record: LexMap },
  collections: Collections,
): Claim {
  const { rev, cid } = proof;
  const read = collections.get(place.collection)?.(proof.record);
  if (!read?.ok) return { kind: "unusable", rev, outcome: "bad-record", detail: read?.detail ?? "" };
  const domain = normalizeDomain(read.record.domain);
  if (domain === undefined) {
    return { kind: "unusable", rev, outcome: "bad-record", detail: "`domain` is no mail domain" };
  }
  if (domain !== place.rkey) {
    const detail = `the record key must be the domain in lower-case A-label form: ${domain}`;
    return { kind: "unusable", rev, outcome: "rkey-mismatch", detail };
  }
  return { kind: "attestation", rev, cid, domain, record: read.record };
}

export type IntakeParts = {
  store: AttestationStore;
  resolveIdentity: ResolveIdentity;
  fetch: SafeFetch;
  rests: HostRests;
  collections: Collections;
  now: () => number;
  /** Active attestations that one account may have. */
  maxPerDid: number;
};

/**
 * Follows a hint: asks the account's own host for a proof, verifies it against the account's key, and stores, keeps
 * or ends the attestation. Idempotent; the hint itself is believed in nothing.
 */
export async function intake(hint: Hint, parts: IntakeParts): Promise<IntakeOutcome> {
  const { store, now } = parts;
  const uri = hintUri(hint);
  if (!parts.collections.has(hint.collection)) return { outcome: "other-collection", uri };
  if (!isAccountDid(hint.did)) return { outcome: "bad-did", uri, detail: "not a did:plc or did:web" };
  if (normalizeDomain(hint.rkey) !== hint.rkey) {
    return { outcome: "bad-rkey", uri, detail: "the record key must be a domain in lower-case A-label form" };
  }
  if (isOneTooMany(hint, parts)) return tooMany(uri, parts);
  const identity = await parts.resolveIdentity(hint.did);
  if (identity.status === "unresolvable") {
    const { detail, gone } = identity;
    return { outcome: "did-unresolvable", uri, detail, ...(gone && { gone }) };
  }

  const { pds } = identity;
  if (parts.rests.isResting(pds))
    return { outcome: "pds-unreachable", uri, detail: `${pds} did not answer a moment ago` };
  const fetched = await fetchRecordProof(parts.fetch, pds, hint);
  if (fetched.status === "unreachable") {
    if (fetched.silent) parts.rests.rest(pds);
    return { outcome: "pds-unreachable", uri, detail: fetched.detail };
  }
  if (fetched.status === "no-proof") return { outcome: "bad-proof", uri, detail: fetched.detail };
  if (fetched.status === "account-inactive") {
    const { detail, gone } = fetched;
    store.transaction(() => {
      if (store.known(uri)?.endedBy === null) store.end(uri, "account", undefined, now());
    });
    return { outcome: "account-inactive", uri, detail, ...(gone && { gone }) };
  }

  const proof = await verifyRecordProof(fetched.bytes, { ...hint, signingKey: identity.signingKey });
  if (proof.status === "invalid") return { outcome: "bad-proof", uri, detail: proof.detail };
  const claim: Claim =
    proof.status === "absent"
      ? { kind: "absent", rev: proof.rev }
      : readClaim(hint, proof, parts.collections);
  return store.transaction(() => apply(hint, claim, parts));
}

/** A record that we do not hold, of an account that has as many as it may. */
function isOneTooMany(hint: Hint, { store, maxPerDid }: IntakeParts): boolean {
  return store.known(hintUri(hint))?.endedBy !== null && store.countActive(hint.did) >= maxPerDid;
}

function tooMany(uri: string, { maxPerDid }: IntakeParts): IntakeOutcome {
  return { outcome: "too-many", uri, detail: `an account may attest ${maxPerDid} domains` };
}

function apply(hint: Hint, claim: Claim, parts: IntakeParts): IntakeOutcome {
  const { store, now } = parts;
  const uri = hintUri(hint);
  const known = store.known(uri);
  const decision = decideIntake(known, claim, store.latestRev(hint.did));
  switch (decision) {
    case "stale":
      return { outcome: "stale", uri };
    case "touch":
      store.touch(uri, claim.rev, now());
      return { outcome: "unchanged", uri };
    case "store": {
      if (claim.kind !== "attestation") break;
      if (isOneTooMany(hint, parts)) return tooMany(uri, parts);
      store.put(hint, { ...claim, now: now() });
      store.forgetOldEnded(hint.did);
      return { outcome: "stored", uri };
    }
    case "end":
      store.end(uri, "record", claim.rev, now());
      break;
    case "ignore":
      break;
  }
  if (claim.kind === "unusable") return { outcome: claim.outcome, uri, detail: claim.detail };
  return { outcome: decision === "end" ? "ended" : "absent", uri };
}
