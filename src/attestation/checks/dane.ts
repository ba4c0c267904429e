import { isUsable, tlsaName } from "../../protocol/dane/index.ts";
import type { DnsAnswer, Resolver } from "../../protocol/dns/index.ts";
import { addressesOf, mxHosts } from "./mx-hosts.ts";
import { noAnswer, result, seen, type Check, type Observation } from "./result.ts";

/**
 * Have the MX hosts TLSA records under a validated chain (RFC 7672)? The chain is what the resolver says (AD bit); a
 * resolver that does not validate is named, since nothing can be said through it.
 */
export const checkDane: Check = async ({ domain }, { resolver, at }) => {
  const { answer, hosts } = await mxHosts(domain, resolver);
  if (answer.status === "temperror") return result("dane", [noAnswer(domain, answer)], at);
  if (answer.status !== "ok" || hosts.length === 0) return undefined;
  const found = await Promise.all(hosts.map((host) => checkHost(host, resolver)));
  const findings = found.flat();
  const signed = findings.some(({ code }) => code === "dane-secured" || code === "dane-not-signed");
  if (signed && !answer.authentic) {
    findings.push({
      code: "dane-mx-not-signed",
      severity: "warn",
      message: `The MX answer of ${domain} is not signed. Sign the zone of ${domain} with DNSSEC.`,
      observed: `${seen(domain, "MX", answer)} (not authenticated)`,
      remedy: dsRecord(domain),
    });
  }
  return result("dane", findings, at);
};

async function checkHost(host: string, resolver: Resolver): Promise<Observation[]> {
  const name = tlsaName(host);
  const tlsa = await resolver.resolve(name, "TLSA");
  if (tlsa.status === "temperror") return [noAnswer(name, tlsa)];
  const observed = seen(name, "TLSA", tlsa);
  const remedy = `${name}. IN TLSA 3 1 1 <SHA-256 of the server's public key, in hexadecimal>`;
  if (tlsa.status !== "ok") {
    const message = `${host} has no TLSA record. Under DNSSEC, publish one for its key.`;
    return [{ code: "dane-missing", severity: "info", message, observed, remedy }];
  }
  if (!tlsa.records.some(isUsable)) {
    const message = `None of the TLSA records of ${host} is one that SMTP uses. Publish 3 1 1.`;
    return [{ code: "dane-unusable", severity: "warn", message, observed, remedy }];
  }
  const address = await addressesOf(host, resolver);
  if (address.status === "temperror") return [noAnswer(host, address)];
  const signed = tlsa.authentic && (address.status !== "some" || address.authentic);
  if (!signed) return [await notAuthenticated(host, tlsa, observed, resolver)];
  const message = `The TLSA records of ${host} stand under a validated chain.`;
  return [{ code: "dane-secured", severity: "info", message, observed: `${observed} (validated)` }];
}

async function notAuthenticated(
  host: string,
  tlsa: DnsAnswer<"TLSA">,
  observed: string,
  resolver: Resolver,
): Promise<Observation> {
  if (tlsa.status === "ok" && !tlsa.authentic && !(await validates(resolver))) {
    return {
      code: "dane-resolver-not-validating",
      severity: "info",
      message: `${host} has TLSA records. The resolver that was asked does not validate DNSSEC, so nothing is said about them: ask one that does.`,
      observed: `${observed} (not validated)`,
    };
  }
  return {
    code: "dane-not-signed",
    severity: "warn",
    message: `The TLSA records of ${host}, or its addresses, are not signed. Sign its zone with DNSSEC, or remove the records.`,
    observed: `${observed} (not authenticated)`,
    remedy: dsRecord(host),
  };
}

/** What the owner of the zone above publishes. */
function dsRecord(name: string): string {
  return `<the zone of ${name}>. IN DS <key tag> 13 2 <digest of its key: your DNS host shows it>`;
}

/** `org` is signed and delegated from the signed root: a validating resolver authenticates it. */
async function validates(resolver: Resolver): Promise<boolean> {
  const answer = await resolver.resolve("org", "SOA");
  return answer.status !== "temperror" && answer.authentic;
}
