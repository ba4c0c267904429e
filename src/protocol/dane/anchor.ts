import { createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import type { DnsRecordData } from "../dns/index.ts";

/** What a server showed: certificates in DER, its own first; the names that it may have; the time in ms. */
export type Presented = { chain: readonly Uint8Array[]; names: readonly string[]; at: number };

const MAX_CHAIN = 10;

/**
 * Whether the server's certificate is signed, over however many others, by the trust anchor of a DANE-TA record (RFC
 * 7671 section 5.2, RFC 7672 section 3.1.2): each signature holds, each signer is an authority, each certificate is in
 * its time, and the server's own has one of the names. The order in which they were shown does not matter. An anchor
 * that stands whole in the record need not be shown. Path lengths and name constraints are not looked at.
 */
export function isAnchored(
  record: DnsRecordData["TLSA"],
  { chain, names, at }: Presented,
  same: (der: Uint8Array) => boolean,
): boolean {
  const [leaf, ...others] = chain.slice(0, MAX_CHAIN).map(parsed);
  if (!leaf || !isInTime(leaf, at) || !names.some((name) => leaf.checkHost(name) !== undefined)) return false;
  const whole = record.matchingType === 0 ? record.certificate : undefined;
  const given = whole && record.selector === 0 ? parsed(whole) : undefined;
  const key = whole && record.selector === 1 ? publicKey(whole) : undefined;
  const signers = new Set(
    [...others, given].filter((one) => one !== undefined && one.ca && isInTime(one, at)) as X509Certificate[],
  );
  const reached = [leaf];
  for (const certificate of reached) {
    if (key && isSignedBy(certificate, key)) return true;
    for (const signer of signers) {
      if (!certificate.checkIssued(signer) || !isSignedBy(certificate, signer.publicKey)) continue;
      if (same(signer.raw)) return true;
      signers.delete(signer);
      reached.push(signer);
    }
  }
  return false;
}

function isInTime(certificate: X509Certificate, at: number): boolean {
  return certificate.validFromDate.getTime() <= at && at <= certificate.validToDate.getTime();
}

function isSignedBy(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}

function parsed(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function publicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}
