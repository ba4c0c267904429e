import { BlockList, isIPv6 } from "node:net";
import type { DnsAnswer, Resolver } from "../../protocol/dns/index.ts";
import { providerOf, type ReplyClass } from "../../protocol/smtp-reply/index.ts";

export type MailHost = { name: string; addresses: string[] };

/** Where mail of a domain goes, or why it goes nowhere. */
export type Route =
  | { ok: true; hosts: MailHost[]; provider: string }
  | { ok: false; permanent: boolean; class: ReplyClass; enhanced: string; text: string };

export type RouteOptions = {
  resolver: Resolver;
  /** Our own names, lower case: mail that leads to them, or to hosts behind them, loops (RFC 5321 section 5.1). */
  ownHosts: readonly string[];
  /** May a mail host have an address that is not on the public Internet? Only in a sandbox. */
  allowPrivate: boolean;
  random: () => number;
};

const MAX_HOSTS = 10;
const MAX_ADDRESSES = 8;
const MAX_TRIED = 6;
const MAX_TRIED_OF_HOST = 3;

/** MX by preference, implicit MX, null MX (RFC 5321 section 5.1, RFC 7505). */
export async function findRoute(domain: string, options: RouteOptions): Promise<Route> {
  const { resolver, ownHosts, random } = options;
  const answer = await resolver.resolve(domain, "MX");
  if (answer.status === "temperror")
    return later(`the mail hosts of ${domain} could not be looked up: ${answer.detail}`);
  if (answer.status === "nxdomain")
    return never("bad-domain", "5.1.2", `the domain ${domain} does not exist`);
  const names = answer.status === "ok" ? byPreference(answer, ownHosts, random) : [domain];
  if (names === "null") return never("bad-domain", "5.1.10", `${domain} takes no mail (null MX)`);
  if (names.length === 0) return never("system", "5.4.6", `the mail hosts of ${domain} lead back to us`);
  const found = await Promise.all(names.slice(0, MAX_HOSTS).map((name) => addressesOf(name, options)));
  const hosts = found.flatMap((f) => (f.host.addresses.length > 0 ? [f.host] : []));
  const first = hosts[0];
  if (first) return { ok: true, hosts, provider: providerOf(first.name) };
  if (found.some((f) => f.unsure)) return later(`the mail hosts of ${domain} could not be looked up`);
  if (found.some((f) => f.hidden)) {
    return never("bad-domain", "5.4.4", `the mail hosts of ${domain} have no public address`);
  }
  return never("bad-domain", "5.4.4", `the mail hosts of ${domain} have no address`);
}

/** The addresses that one attempt tries, in order: at most six, and of the first of several hosts at most three. */
export function targetsOf(hosts: readonly MailHost[]): { name: string; address: string }[] {
  const each = hosts.length > 1 ? MAX_TRIED_OF_HOST : MAX_TRIED;
  return hosts
    .flatMap(({ name, addresses }) => addresses.slice(0, each).map((address) => ({ name, address })))
    .slice(0, MAX_TRIED);
}

function byPreference(
  answer: Extract<DnsAnswer<"MX">, { status: "ok" }>,
  ownHosts: readonly string[],
  random: () => number,
): string[] | "null" {
  if (answer.records.length === 0) return [];
  if (answer.records.every(({ exchange }) => exchange === "" || exchange === ".")) return "null";
  const sorted = answer.records
    .filter(({ exchange }) => exchange !== "" && exchange !== ".")
    .map((record) => ({
      ...record,
      exchange: record.exchange.toLowerCase().replace(/\.$/, ""),
      order: random(),
    }))
    .sort((a, b) => a.preference - b.preference || a.order - b.order);
  const own = sorted.find(({ exchange }) => ownHosts.includes(exchange));
  const usable = own ? sorted.filter(({ preference }) => preference < own.preference) : sorted;
  return [...new Set(usable.map(({ exchange }) => exchange))];
}

async function addressesOf(
  name: string,
  { resolver, allowPrivate }: RouteOptions,
): Promise<{ host: MailHost; unsure: boolean; hidden: boolean }> {
  const [v4, v6] = await Promise.all([resolver.resolve(name, "A"), resolver.resolve(name, "AAAA")]);
  const all = [
    ...(v4.status === "ok" ? v4.records.map((r) => r.address) : []),
    ...(v6.status === "ok" ? v6.records.map((r) => r.address) : []),
  ];
  const usable = allowPrivate ? all : all.filter((address) => !isPrivate(address));
  return {
    host: { name, addresses: usable.slice(0, MAX_ADDRESSES) },
    unsure: v4.status === "temperror" || v6.status === "temperror",
    hidden: all.length > usable.length,
  };
}

const privateBlocks = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  privateBlocks.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 127],
  ["64:ff9b:1::", 48],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  privateBlocks.addSubnet(net, bits, "ipv6");
}

/** Addresses that no mail host on the Internet has (RFC 6890); a member's DNS must not lead us into our own network. */
export function isPrivate(address: string): boolean {
  return privateBlocks.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function later(text: string): Route {
  return { ok: false, permanent: false, class: "network", enhanced: "4.4.3", text };
}

function never(kind: ReplyClass, enhanced: string, text: string): Route {
  return { ok: false, permanent: true, class: kind, enhanced, text };
}
