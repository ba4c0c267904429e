export { mailauthResolver } from "./mailauth.ts";
export { createResolver, forwardQuestion, type ResolverOptions } from "./resolver.ts";
export {
  startDnsServer,
  type DnsQuestion,
  type DnsReply,
  type DnsServer,
  type DnsServerOptions,
} from "./server.ts";
export { canonicalName, type DnsRecord } from "./wire.ts";
