import { isIP } from "node:net";
import { isPublicAddress, reverseName, type Resolver } from "../protocol/dns/index.ts";
import { evaluateSpf } from "../protocol/spf/index.ts";
import type { AddressProof } from "./store.ts";

/** `127.0.3.1`: an address of the pool, behind which many members are; `127.0.6.1`: one member's own. */
export type AddressCode = "127.0.3.1" | "127.0.6.1";

/** One listed address, with what proves it. Low tier: an address vouches for everybody behind it. */
export type AddressEntry = {
  address: string;
  did: string;
  code: AddressCode;
  /** The domain that names it: in its attestation, or the pool's own. */
  domain: string;
  /** The name of the address, which leads back to it. */
  host: string;
  /** SPF of the domain lets the address send. */
  spf: "pass";
};

/** What the DNS says of an address. `unknown`: it said nothing. */
export type AddressFinding =
  | { status: "proved"; host: string }
  | { status: "refuted" | "unknown"; why: string };

const MAX_NAMES = 10;

/**
 * Whether an address is what a domain says it is: one public address, with a name that leads back to it
 * (forward-confirmed reverse DNS, RFC 8601 section 2.7.3), and SPF of the domain that lets it send (RFC 7208).
 */
export async function proveAddress(
  address: string,
  domain: string,
  resolver: Resolver,
  { allowPrivate = false } = {},
): Promise<AddressFinding> {
  const name = reverseName(address);
  if (name === undefined) return refuted("it is not one IP address");
  if (!allowPrivate && !isPublicAddress(address)) return refuted("it is no address of the public internet");
  const pointer = await resolver.resolve(name, "PTR");
  if (pointer.status === "temperror") return { status: "unknown", why: `${name} PTR: ${pointer.detail}` };
  if (pointer.status !== "ok") return refuted(`it has no name (${name} PTR: ${pointer.status})`);
  const hosts = pointer.records.map(({ target }) => target).slice(0, MAX_NAMES);
  const type = isIP(address) === 6 ? "AAAA" : "A";
  const answers = await Promise.all(hosts.map((host) => resolver.resolve(host, type)));
  const host = hosts.find((_, i) => {
    const answer = answers[i]!;
    return answer.status === "ok" && answer.records.some((record) => reverseName(record.address) === name);
  });
  if (host === undefined) {
    const silent = answers.find((answer) => answer.status === "temperror");
    if (silent?.status === "temperror")
      return { status: "unknown", why: `${hosts[0]} ${type}: ${silent.detail}` };
    return refuted(`its name ${hosts.join(", ")} does not lead back to it`);
  }
  const spf = await evaluateSpf({ ip: address, mailFrom: `postmaster@${domain}`, helo: domain }, resolver);
  if (spf.result === "pass") return { status: "proved", host };
  if (spf.result === "temperror") return { status: "unknown", why: `SPF of ${domain}: no answer` };
  return refuted(`SPF of ${domain} says ${spf.result} for it`);
}

function refuted(why: string): AddressFinding {
  return { status: "refuted", why };
}

/** What is kept of a finding: silence leaves what was proved before as it was. */
export function nextProof(
  before: AddressProof | undefined,
  finding: AddressFinding,
  now: number,
): AddressProof {
  if (finding.status === "proved") return { host: finding.host, why: null, provedAt: now, askedAt: now };
  if (finding.status === "refuted") return { host: null, why: finding.why, provedAt: null, askedAt: now };
  return { host: before?.host ?? null, why: finding.why, provedAt: before?.provedAt ?? null, askedAt: now };
}

/** How long a proof is believed while the DNS says nothing. */
const BELIEVED_MS = 24 * 3_600_000;

export function isProved(proof: AddressProof | undefined, now: number): boolean {
  return proof?.host != null && proof.provedAt !== null && now - proof.provedAt <= BELIEVED_MS;
}

/** Short and lower case, as it is compared and written: `2001:db8::1`. Undefined for what is no address. */
export function canonicalAddress(address: string): string | undefined {
  const text = address.trim();
  if (isIP(text) === 4) return text;
  if (isIP(text) !== 6 || text.includes("%")) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}
