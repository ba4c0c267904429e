import type { LabelJson } from "../protocol/labels/index.ts";
import { unlistable, type ListPlace } from "./names.ts";

/** What a domain is listed with, in dnswl.org's shape `127.0.<category>.<score>`: verified member, clean for long. */
export type EntryCode = "127.0.6.1" | "127.0.6.2";

/** One listed domain, with all that proves it. */
export type Entry = {
  domain: string;
  did: string;
  /** The attestation record and the version that was labelled. */
  uri: string;
  cid: string;
  code: EntryCode;
  /** When the record was first labelled, RFC 3339. */
  since: string;
  /** As their labeler signed them: on the record, then on the account. All of one labeler. */
  labels: LabelJson[];
  /** What the last checks of the domain said, by name. */
  checks: Record<string, string>;
};

/** An attestation that stands in a repository, and what the checks of its domain said. */
export type Claim = { uri: string; cid: string; did: string; domain: string; checks: Record<string, string> };

/** A label in force. `since`: first said and ever since, RFC 3339. */
export type ClaimLabel = { label: LabelJson; since: string };

/**
 * The entry of a domain, from all who claim it; undefined where nobody proves it. One labeler that is trusted must say
 * both: `verified-mail-operator` of the very version of the record, and `verified-member` of its account. Of two
 * that are proved the older proof stands.
 */
export function entryFor(
  domain: string,
  claims: readonly Claim[],
  labelsOf: (claim: Claim) => readonly ClaimLabel[],
  place: ListPlace,
): Entry | undefined {
  if (unlistable(domain, place) !== undefined) return undefined;
  return claims
    .flatMap((claim) => proofsOf(claim, labelsOf(claim)))
    .sort((a, b) => compare(a.since, b.since) || compare(a.uri, b.uri) || compare(srcOf(a), srcOf(b)))[0];
}

function proofsOf(claim: Claim, labels: readonly ClaimLabel[]): Entry[] {
  return [...new Set(labels.map(({ label }) => label.src))].flatMap((src) => {
    const said = (uri: string, val: string) =>
      labels.find(({ label }) => label.src === src && label.uri === uri && label.val === val);
    const proof = said(claim.uri, "verified-mail-operator");
    const member = said(claim.did, "verified-member");
    if (!proof || !member || proof.label.cid !== claim.cid) return [];
    const clean = said(claim.did, "clean-sender");
    const { domain, did, uri, cid, checks } = claim;
    return [
      {
        domain,
        did,
        uri,
        cid,
        code: clean ? ("127.0.6.2" as const) : ("127.0.6.1" as const),
        since: proof.since,
        labels: [proof, member, ...(clean ? [clean] : [])].map(({ label }) => label),
        checks,
      },
    ];
  });
}

/** The labels of an entry in a word each: what the zone's TXT says. */
export function labelValues(entry: Pick<Entry, "labels">): string[] {
  return [...new Set(entry.labels.map(({ val }) => val))].sort();
}

const srcOf = (entry: Entry) => entry.labels[0]!.src;
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
