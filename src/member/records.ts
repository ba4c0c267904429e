import type { DkimKeyRow } from "./schema.ts";

/** One record that the owner of a domain publishes. */
export type DnsRecordToPublish = { name: string; type: "TXT" | "CNAME"; value: string; purpose: string };

export type RecordOptions = {
  /** Name under which the pool receives bounces; members delegate `bounce.<domain>` to it. */
  returnPathHost: string;
  /** The name that members include in their SPF record. */
  spfInclude: string;
};

/** The records that the owner of a domain publishes, with every key that signs, is to sign, or has signed of late. */
export function recordsFor(
  did: string,
  domain: string,
  keys: readonly DkimKeyRow[],
  { returnPathHost, spfInclude }: RecordOptions,
): DnsRecordToPublish[] {
  return [
    proofRecord(did, domain),
    ...keyRecords(keys),
    {
      name: `bounce.${domain}`,
      type: "CNAME",
      value: returnPathHost,
      purpose: "brings bounces back to the pool and aligns SPF",
    },
    {
      name: domain,
      type: "TXT",
      value: `v=spf1 include:${spfInclude} -all`,
      purpose: "authorises the pool; merge it into the SPF record that you have, never publish two",
    },
    {
      name: `_dmarc.${domain}`,
      type: "TXT",
      value: "v=DMARC1; p=quarantine",
      purpose: "tells receivers to distrust mail that fails; keep your own record if you have one",
    },
  ];
}

/** What only the owner of a domain can publish, and names the account that may speak for it. */
export function proofRecord(did: string, domain: string): DnsRecordToPublish {
  return {
    name: `_email-attestation.${domain}`,
    type: "TXT",
    value: `did=${did}`,
    purpose: "proves that you control the domain",
  };
}

export function keyRecords(keys: readonly DkimKeyRow[]): DnsRecordToPublish[] {
  return keys.map((key) => ({
    name: `${key.selector}._domainkey.${key.domain}`,
    type: "TXT" as const,
    value: key.txt,
    purpose: `verifies your ${key.algorithm === "rsa" ? "RSA" : "Ed25519"} DKIM signature`,
  }));
}
