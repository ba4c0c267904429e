export { mailtoDomain, parseDmarc, type DmarcPolicy, type DmarcRecord } from "./record.ts";
export { reportsAccepted } from "./report.ts";
export { lookupDmarc, organizationalDomain, type DmarcFound, type DmarcLookup } from "./walk.ts";
