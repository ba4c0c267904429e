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
  { matchingType, selector, certificate }: DnsRecordData["TLSA"],
  presented: Presented,
  same: (der: Uint8Array) => boolean,
): boolean {
  const path = pathOf(presented);
  if (path.length === 0) return false;
  const [, ...signers] = path;
  if (signers.some((signer) => same(signer.raw))) return true;
  if (matchingType !== 0) return false;
  const key = selector === 1 ? publicKey(certificate) : undefined;
  if (key) return path.some((one) => isSignedBy(one, key));
  const given = selector === 0 ? parsed(certificate) : undefined;
  return given !== undefined && isSigner(given, presented.at) && path.some((one) => isIssuedBy(one, given));
}

const paths = new WeakMap<Presented, X509Certificate[]>();

/**
 * The server's own certificate and those that it is signed by among what was shown; none where it is out of its time or has
 * no name that it may have. Found once, however many records there are: each signature costs.
 */
function pathOf(presented: Presented): X509Certificate[] {
  const known = paths.get(presented);
  if (known) return known;
  const { chain, names, at } = presented;
  const [leaf, ...others] = chain.slice(0, MAX_CHAIN).map(parsed);
  const path = leaf && isInTime(leaf, at) && names.some((name) => leaf.checkHost(name)) ? [leaf] : [];
  const signers = new Set(others.filter((one) => one !== undefined && isSigner(one, at)));
  for (const certificate of path)
    for (const signer of signers)
      if (signer && isIssuedBy(certificate, signer)) {
        signers.delete(signer);
        path.push(signer);
      }
  paths.set(presented, path);
  return path;
}

const isSigner = (one: X509Certificate, at: number) => one.ca && isInTime(one, at);

function isIssuedBy(certificate: X509Certificate, signer: X509Certificate): boolean {
  return certificate.checkIssued(signer) && isSignedBy(certificate, signer.publicKey);
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
