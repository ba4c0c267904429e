export { createResolver, forwardQuestion } from "./resolver.ts";
export { startDnsServer, type DnsQuestion, type DnsReply, type DnsServer } from "./server.ts";
export { canonicalName, type DnsRecord } from "./wire.ts";
export { responseLimit } from "./response-limit.ts";
