export { createDnsHost, dnsHostMigration, type DnsHost } from "./host.ts";
export { dnsPages } from "./pages.tsx";
