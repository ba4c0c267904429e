export { isPublicAddress, literalAddress, reverseName } from "./address.ts";
export { cached } from "./cache.ts";
export { mailauthResolver } from "./mailauth.ts";
export { memoize } from "./memo.ts";
export { parseTags } from "./tags.ts";
export type { DnsAnswer, DnsFault, DnsRecordData, DnsType, Resolver } from "./types.ts";
