import type { LexMap } from "@atproto/lex";
import { $safeValidate } from "../protocol/lexicon/community/email/attestation.ts";
import type { SafeFetch } from "../platform/fetch.ts";
import { normalizeDomain } from "./domain.ts";
import { isAccountDid, type ResolveIdentity } from "./identity.ts";
import { verifyRecordProof } from "./proof.ts";
import { fetchRecordProof } from "./repository.ts";
import { hintUri, type AttestationStore, type Hint, type Known } from "./store.ts";
import { ATTESTATION_COLLECTION, type AttestationRecord } from "./types.ts";

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
};

/** What a proof, read against the lexicon, says about the record at a place. */
export type Claim =
  | { kind: "attestation"; rev: string; cid: string; domain: string; record: AttestationRecord }
  | { kind: "unusable"; rev: string; outcome: "bad-record" | "rkey-mismatch"; detail: string }
  | { kind: "absent"; rev: string };

/** What intake does with a proved claim, given what it knew: the whole decision, without I/O. */
export function decideIntake(
  known: Known | undefined,
  claim: Claim,
): "store" | "touch" | "end" | "ignore" | "stale" {
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

/** Reads a proved record: valid by the lexicon, its key the domain in normal form. */
export function readClaim(rkey: string, rev: string, cid: string, record: LexMap): Claim {
  const valid = $safeValidate(record);
  if (!valid.success) {
    return { kind: "unusable", rev, outcome: "bad-record", detail: valid.reason.message.slice(0, 300) };
  }
  const domain = normalizeDomain(valid.value.domain);
  if (domain === undefined) {
    return { kind: "unusable", rev, outcome: "bad-record", detail: "`domain` is no mail domain" };
  }
  if (domain !== rkey) {
    const detail = `the record key must be the domain in lower-case A-label form: ${domain}`;
    return { kind: "unusable", rev, outcome: "rkey-mismatch", detail };
  }
  return { kind: "attestation", rev, cid, domain, record: valid.value };
}

export type IntakeParts = {
  store: AttestationStore;
  resolveIdentity: ResolveIdentity;
  fetch: SafeFetch;
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
  if (hint.collection !== ATTESTATION_COLLECTION) return { outcome: "other-collection", uri };
  if (!isAccountDid(hint.did)) return { outcome: "bad-did", uri, detail: "not a did:plc or did:web" };
  if (normalizeDomain(hint.rkey) !== hint.rkey) {
    return { outcome: "bad-rkey", uri, detail: "the record key must be a domain in lower-case A-label form" };
  }
  const identity = await parts.resolveIdentity(hint.did);
  if (identity.status === "unresolvable")
    return { outcome: "did-unresolvable", uri, detail: identity.detail };

  const fetched = await fetchRecordProof(parts.fetch, identity.pds, hint);
  if (fetched.status === "unreachable") return { outcome: "pds-unreachable", uri, detail: fetched.detail };
  if (fetched.status === "no-proof") return { outcome: "bad-proof", uri, detail: fetched.detail };
  if (fetched.status === "account-inactive") {
    store.transaction(() => {
      if (store.known(uri)?.endedBy === null) store.end(uri, "account", undefined, now());
    });
    return { outcome: "account-inactive", uri, detail: fetched.detail };
  }

  const proof = await verifyRecordProof(fetched.bytes, { ...hint, signingKey: identity.signingKey });
  if (proof.status === "invalid") return { outcome: "bad-proof", uri, detail: proof.detail };
  const claim: Claim =
    proof.status === "absent"
      ? { kind: "absent", rev: proof.rev }
      : readClaim(hint.rkey, proof.rev, proof.cid, proof.record);
  return store.transaction(() => apply(hint, claim, parts));
}

function apply(hint: Hint, claim: Claim, { store, now, maxPerDid }: IntakeParts): IntakeOutcome {
  const uri = hintUri(hint);
  const known = store.known(uri);
  const decision = decideIntake(known, claim);
  switch (decision) {
    case "stale":
      return { outcome: "stale", uri };
    case "touch":
      store.touch(uri, claim.rev, now());
      return { outcome: "unchanged", uri };
    case "store": {
      if (claim.kind !== "attestation") break;
      if (known?.endedBy !== null && store.countActive(hint.did) >= maxPerDid) {
        return { outcome: "too-many", uri, detail: `an account may attest ${maxPerDid} domains` };
      }
      store.put(hint, { ...claim, now: now() });
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
