import type { DNSResolver } from "mailauth";
import type { DnsAnswer, DnsType, Resolver } from "./types.ts";

/**
 * Lets `mailauth` ask through our resolver, so that it never touches the host's own DNS: the shapes and error codes
 * of Node's `dns.promises.resolve`. (Its own type leaves out that MX records are objects.)
 */
export function mailauthResolver(resolver: Resolver): DNSResolver {
  const resolve = async (name: string, type: string): Promise<unknown[]> => {
    switch (type) {
      case "TXT":
        return records(await resolver.resolve(name, "TXT"), name, type).map(({ text }) => [text]);
      case "MX":
        return records(await resolver.resolve(name, "MX"), name, type).map(({ preference, exchange }) => ({
          priority: preference,
          exchange,
        }));
      case "A":
      case "AAAA":
        return records(await resolver.resolve(name, type), name, type).map(({ address }) => address);
      case "PTR":
      case "CNAME":
      case "NS":
        return records(await resolver.resolve(name, type), name, type).map(({ target }) => target);
      default:
        throw dnsError("ENOTIMP", name, type);
    }
  };
  return resolve as DNSResolver;
}

function records<T extends DnsType>(answer: DnsAnswer<T>, name: string, type: string) {
  if (answer.status === "ok") return answer.records;
  if (answer.status === "nodata") throw dnsError("ENODATA", name, type);
  if (answer.status === "nxdomain") throw dnsError("ENOTFOUND", name, type);
  throw dnsError("ESERVFAIL", name, type);
}

function dnsError(code: string, name: string, type: string): Error {
  return Object.assign(new Error(`query${type} ${code} ${name}`), { code, hostname: name });
}
