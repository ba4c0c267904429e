import { createHash, X509Certificate } from "node:crypto";
import type { DnsRecordData } from "../dns/index.ts";
import { isAnchored, type Presented } from "./anchor.ts";

type Tlsa = DnsRecordData["TLSA"];

const DIGEST_BYTES: Record<number, number | undefined> = { 1: 32, 2: 64 };

/** The name of the TLSA records of an SMTP server (RFC 7672 section 2.2.3). */
export function tlsaName(host: string, port = 25): string {
  return `_${port}._tcp.${host}`;
}

/** Whether SMTP clients can use the record: usage DANE-TA or DANE-EE (RFC 7672 section 3.1), a known digest. */
export function isUsable({ usage, selector, matchingType, certificate }: Tlsa): boolean {
  if ((usage !== 2 && usage !== 3) || (selector !== 0 && selector !== 1)) return false;
  return matchingType === 0
    ? certificate.length > 0
    : DIGEST_BYTES[matchingType] !== undefined && certificate.length === DIGEST_BYTES[matchingType];
}

/**
 * Of usable records those that count (RFC 7671 section 9): what is there whole, and of the digests for one usage and
 * selector only the strongest, so that a weaker one that somebody can forge opens nothing.
 */
export function strongest<T extends Pick<Tlsa, "usage" | "selector" | "matchingType">>(
  records: readonly T[],
): T[] {
  return records.filter(
    (one) =>
      one.matchingType === 0 ||
      !records.some(
        ({ usage, selector, matchingType }) =>
          usage === one.usage && selector === one.selector && matchingType > one.matchingType,
      ),
  );
}

/**
 * Whether a server's certificates match a record (RFC 7671 section 5): DANE-EE its own, whatever its names and time;
 * DANE-TA an authority above it, by which it really is signed.
 */
export function matches(record: Tlsa, presented: Presented): boolean {
  if (!isUsable(record)) return false;
  const [leaf] = presented.chain;
  if (record.usage === 3) return leaf !== undefined && same(record, leaf);
  return isAnchored(record, presented, (der) => same(record, der));
}

function same({ selector, matchingType, certificate }: Tlsa, der: Uint8Array): boolean {
  const subject = selector === 0 ? Buffer.from(der) : publicKeyOf(der);
  if (!subject) return false;
  const digest =
    matchingType === 0
      ? subject
      : createHash(matchingType === 1 ? "sha256" : "sha512")
          .update(subject)
          .digest();
  return digest.equals(certificate);
}

function publicKeyOf(der: Uint8Array): Buffer | undefined {
  try {
    return new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
  } catch {
    return undefined;
  }
}

/** As in a zone file: `3 1 1 <hex>`. */
export function formatTlsa({ usage, selector, matchingType, certificate }: Tlsa): string {
  return `${usage} ${selector} ${matchingType} ${Buffer.from(certificate).toString("hex")}`;
}

/** The record to publish for a server's own key: `3 1 1` (RFC 7672 section 3.1.1). */
export function tlsaOf(der: Uint8Array): Tlsa | undefined {
  const key = publicKeyOf(der);
  return (
    key && { usage: 3, selector: 1, matchingType: 1, certificate: createHash("sha256").update(key).digest() }
  );
}
