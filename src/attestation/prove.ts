import type { SafeFetch } from "../platform/fetch.ts";
import type { ResolveIdentity } from "./identity.ts";
import { readClaim } from "./intake.ts";
import { verifyRecordProof } from "./proof.ts";
import { collectionsOf } from "./records.ts";
import { fetchRecordProof } from "./repository.ts";

/** `unknown`: nobody answered, or not so that anything is proved. */
export type Proved = { status: "proved" } | { status: "refuted" | "unknown"; why: string };

const RECORD = /^at:\/\/(did:[a-z]+:[^/]+)\/([a-zA-Z0-9.-]+)\/([^/]+)$/;

/**
 * Whether the record at `uri` stands in the account's repository in this version, and attests this domain: asked of
 * the account's own host, verified by the key of its DID document. Keeps nothing.
 */
export async function proveAttestation(
  { uri, cid, domain }: { uri: string; cid: string; domain: string },
  { resolveIdentity, fetch }: { resolveIdentity: ResolveIdentity; fetch: SafeFetch },
): Promise<Proved> {
  const [, did = "", collection = "", rkey = ""] = RECORD.exec(uri) ?? [];
  const authority = collection.replace(/\.attestation$/, "");
  if (did === "" || authority === collection)
    return { status: "refuted", why: `${uri} names no attestation` };
  const identity = await resolveIdentity(did);
  if (identity.status === "unresolvable") {
    const status = identity.gone === true ? "refuted" : "unknown";
    return { status, why: `${did}: ${identity.detail}` };
  }
  const found = await fetchRecordProof(fetch, identity.pds, { did, collection, rkey });
  if (found.status === "account-inactive")
    return { status: "refuted", why: `the account is not active (${found.detail})` };
  if (found.status !== "car") return { status: "unknown", why: `${identity.pds}: ${found.detail}` };
  const proof = await verifyRecordProof(found.bytes, {
    did,
    signingKey: identity.signingKey,
    collection,
    rkey,
  });
  if (proof.status === "invalid") return { status: "refuted", why: proof.detail };
  if (proof.status === "absent")
    return { status: "refuted", why: "the record is not in the repository any more" };
  if (proof.cid !== cid)
    return { status: "refuted", why: `the record is there in another version (${proof.cid})` };
  const claim = readClaim({ collection, rkey }, proof, collectionsOf(authority));
  if (claim.kind !== "attestation") return { status: "refuted", why: "the record is no attestation" };
  return claim.domain === domain
    ? { status: "proved" }
    : { status: "refuted", why: `it attests ${claim.domain}` };
}
