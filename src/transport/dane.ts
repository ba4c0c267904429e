import { isUsable, tlsaName } from "../protocol/dane/index.ts";
import type { DnsAnswer, Resolver } from "../protocol/dns/index.ts";
import type { HostDane } from "./types.ts";

/** How a mail host was found. */
export type HostFound = {
  name: string;
  /** The answers about its addresses, as far as there are any. */
  answers: readonly DnsAnswer<"A" | "AAAA">[];
  /** The mail domain, and the end of its CNAMEs, where its MX records are signed; else none. */
  securedDomains: readonly string[];
};

/** Each may cost signatures to check; what is more can only make the host's proof stricter. */
const MAX_RECORDS = 32;

/**
 * The TLSA records of a host, where the DNS is signed all the way (RFC 7672 section 2.2). A host in an unsigned zone is
 * not asked for them (2.2.2); a signed CNAME into an unsigned zone is its own base; the end of signed CNAMEs is tried
 * before the name itself (2.2.3).
 *
 * The MX records need not be signed: then the records authenticate the host, as section 2.2.1 allows, and `securedDomains`
 * is empty. `port` is that of the TLSA records, which is 25 wherever mail is delivered to.
 */
export async function lookUpDane(host: HostFound, resolver: Resolver, port = 25): Promise<HostDane> {
  const { name, answers, securedDomains } = host;
  const there = answers.flatMap((answer) => (answer.status === "ok" ? [answer] : []));
  if (there.length === 0) return { status: "none", why: "it has no address" };
  const canonical = there.find((answer) => answer.canonical !== undefined)?.canonical;
  const secure = there.every((answer) => answer.authentic);
  if (!secure && canonical === undefined) return { status: "none", why: "its addresses are not signed" };
  if (!secure) {
    const alias = await resolver.resolve(name, "CNAME");
    if (alias.status === "temperror") return fault(alias);
    if (alias.status !== "ok" || !alias.authentic) return { status: "none", why: "its alias is not signed" };
  }
  const bases = secure && canonical !== undefined ? [canonical, name] : [name];
  for (const base of bases) {
    const answer = await resolver.resolve(tlsaName(base, port), "TLSA");
    if (answer.status === "temperror") return fault(answer);
    if (answer.status !== "ok" || !answer.authentic) continue;
    const usable = answer.records.filter(isUsable).slice(0, MAX_RECORDS);
    const names = [...new Set([base, ...securedDomains])];
    return usable.length > 0
      ? { status: "usable", base, names, records: usable }
      : { status: "unusable", base, names, records: answer.records.slice(0, MAX_RECORDS) };
  }
  return { status: "none", why: "it has no signed TLSA records" };
}

function fault({ kind, detail }: Extract<DnsAnswer<"TLSA">, { status: "temperror" }>): HostDane {
  return { status: "fault", kind, detail };
}
