/** What the allowlist reads: the labels in force and the records that they speak of. */
/** `since`: first said, however often renewed, RFC 3339. */
export type LabelInForce = { uri: string; cid?: string; val: string; since: string };
export type AttestedRecord = { uri: string; cid: string; did: string; domain: string };

/** One listed domain, with what proves it. */
export type Entry = {
  domain: string;
  did: string;
  /** The attestation record and the version that was labelled. */
  uri: string;
  cid: string;
  /** Labels on the record and on the DID that carry this entry. */
  labels: string[];
  /** When the record was first labelled, RFC 3339. */
  since: string;
  /** `127.0.<category>.<score>` in dnswl.org's shape: 6.1 verified member, 6.2 clean for long. */
  code: "127.0.6.1" | "127.0.6.2";
};

/** Octets of a domain name as text (RFC 1035 section 2.3.4). */
const LONGEST_NAME = 253;

/**
 * Domains whose record is labelled in the version that stands, and whose DID is a verified member. The pool's own
 * signing domain never appears: it vouches for everybody's mail at once. A domain that is too long to stand below the
 * zone is left out, so that it does not keep the others from being published.
 */
export function entriesFor(
  labels: readonly LabelInForce[],
  records: readonly AttestedRecord[],
  { zone, poolDomain }: { zone: string; poolDomain: string },
): Entry[] {
  const on = Map.groupBy(labels, (label) => label.uri);
  const entries = new Map<string, Entry>();
  for (const record of records) {
    const proof = on.get(record.uri)?.find((l) => l.val === "verified-mail-operator" && l.cid === record.cid);
    const ofDid = (on.get(record.did) ?? []).map((label) => label.val);
    if (!proof || !ofDid.includes("verified-member")) continue;
    if (record.domain === poolDomain || record.domain.endsWith(`.${poolDomain}`)) continue;
    if (`${record.domain}._vouch.${zone}`.length > LONGEST_NAME) continue;
    const earlier = entries.get(record.domain);
    if (earlier && earlier.since <= proof.since) continue;
    entries.set(record.domain, {
      domain: record.domain,
      did: record.did,
      uri: record.uri,
      cid: record.cid,
      labels: ["verified-mail-operator", ...ofDid.filter((val) => val !== "verified-mail-operator").sort()],
      since: proof.since,
      code: ofDid.includes("clean-sender") ? "127.0.6.2" : "127.0.6.1",
    });
  }
  return [...entries.values()].sort((a, b) => (a.domain < b.domain ? -1 : 1));
}
