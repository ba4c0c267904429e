export type { DnsAnswer, DnsRecordData, DnsType, Resolver } from "./types.ts";
