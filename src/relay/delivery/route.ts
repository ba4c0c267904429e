import { BlockList, isIPv6 } from "node:net";
import type { Family } from "../../egress/index.ts";
import { isPublicAddress, literalAddress, type DnsAnswer, type Resolver } from "../../protocol/dns/index.ts";
import type { ReplyClass } from "../../protocol/smtp-reply/index.ts";
import { lookUpDane, type HostDane, type TlsHost } from "../../transport/index.ts";

/** Whoever is behind hosts that the shaping file does not know. */
export const OTHER = "other";

/** `addresses`: IPv4 and IPv6 in turn, in the order in which they are tried. */
export type MailHost = TlsHost & { addresses: string[] };

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
  /** Who is behind a mail host. */
  providerOf: (mxHost: string) => string;
  /** How long one host may keep us waiting, ms; default 15 seconds. */
  hostMs?: number;
};

const MAX_HOSTS = 10;
const MAX_ADDRESSES = 8;
const MAX_TRIED = 6;
const MAX_TRIED_OF_HOST = 3;
const HOST_MS = 15_000;

type Found = { host: MailHost; unsure: boolean; hidden: boolean };

/**
 * MX by preference, implicit MX, null MX, address literals (RFC 5321 sections 4.1.3 and 5.1, RFC 7505). A CNAME is
 * followed, of the domain as of a mail host. With each host stands what the DNS says of its certificate (DANE). A host about
 * which the DNS says nothing in time is passed over; only where none is left, mail waits.
 */
export async function findRoute(domain: string, options: RouteOptions): Promise<Route> {
  const { resolver, ownHosts, random, hostMs = HOST_MS } = options;
  if (domain.startsWith("[")) return literalRoute(domain, options);
  const answer = await inTime(resolver.resolve(domain, "MX"), 2 * hostMs, {
    status: "temperror" as const,
    detail: "no answer in time",
  });
  if (answer.status === "temperror")
    return later(`the mail hosts of ${domain} could not be looked up: ${answer.detail}`);
  if (answer.status === "nxdomain")
    return never("bad-domain", "5.1.2", `the domain ${domain} does not exist`);
  const names = answer.status === "ok" ? byPreference(answer, ownHosts, random) : [domain];
  if (names === "null") return never("bad-domain", "5.1.10", `${domain} takes no mail (null MX)`);
  if (names.length === 0 || (answer.status !== "ok" && ownHosts.includes(domain)))
    return never("system", "5.4.6", `the mail hosts of ${domain} lead back to us`);
  const canonical = answer.status === "ok" ? (answer.canonical ?? domain) : domain;
  const securedDomains = answer.authentic ? [...new Set([domain, canonical])] : [];
  const asked = names
    .slice(0, MAX_HOSTS)
    .map((name) => inTime(hostOf(name, securedDomains, options), hostMs, silentHost(name, answer.authentic)));
  const found = await Promise.all(asked);
  const hosts = found.flatMap((f) => (f.host.addresses.length > 0 ? [f.host] : []));
  if (hosts.length > 0) return { ok: true, hosts, provider: providerOfAll(hosts, options.providerOf) };
  if (found.some((f) => f.unsure)) return later(`the mail hosts of ${domain} could not be looked up`);
  if (found.some((f) => f.hidden)) {
    return never("bad-domain", "5.4.4", `the mail hosts of ${domain} have no public address`);
  }
  return never("bad-domain", "5.4.4", `the mail hosts of ${domain} have no address`);
}

function literalRoute(domain: string, { allowPrivate }: RouteOptions): Route {
  const address = literalAddress(domain);
  if (address === undefined) return never("bad-domain", "5.1.3", `${domain} is no address literal`);
  if (!allowPrivate && !isPublicAddress(address))
    return never("bad-domain", "5.4.4", `${domain} is no public address`);
  const dane: HostDane = { status: "none", why: "it is an address" };
  const host: MailHost = { name: address, addresses: [address], mxSecure: false, dane };
  return { ok: true, hosts: [host], provider: OTHER };
}

/**
 * The provider that all hosts are of. With one host of somebody else's among them it is nobody's known: a provider's name
 * beside a host of one's own would else let anybody say in that provider's place what pauses the mail of all to it.
 */
function providerOfAll(hosts: readonly MailHost[], providerOf: (host: string) => string): string {
  const [provider = OTHER, ...others] = new Set(hosts.map(({ name }) => providerOf(name)));
  return others.length === 0 ? provider : OTHER;
}

export const familyOf = (address: string): Family => (isIPv6(address) ? "ipv6" : "ipv4");

export function ofFamily(addresses: readonly string[], family: Family | undefined): string[] {
  return addresses.filter((address) => family === undefined || familyOf(address) === family);
}

/** The addresses that one attempt tries, in order: at most six, and of the first of several hosts at most three. */
export function targetsOf<H extends { addresses: readonly string[] }>(
  hosts: readonly H[],
): { host: H; address: string }[] {
  const each = hosts.length > 1 ? MAX_TRIED_OF_HOST : MAX_TRIED;
  return hosts
    .flatMap((host) => host.addresses.slice(0, each).map((address) => ({ host, address })))
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

async function hostOf(
  name: string,
  securedDomains: readonly string[],
  { resolver, allowPrivate }: RouteOptions,
): Promise<Found> {
  const [v4, v6] = await Promise.all([resolver.resolve(name, "A"), resolver.resolve(name, "AAAA")]);
  const all = inTurn(addressesOf(v4), addressesOf(v6));
  const usable = allowPrivate ? all : all.filter((address) => !isPrivate(address));
  const dane = await lookUpDane({ name, answers: [v4, v6], securedDomains }, resolver);
  const mxSecure = securedDomains.length > 0;
  return {
    host: { name, mxSecure, dane, addresses: usable.slice(0, MAX_ADDRESSES) },
    unsure: v4.status === "temperror" || v6.status === "temperror",
    hidden: all.length > usable.length,
  };
}

const addressesOf = (answer: DnsAnswer<"A" | "AAAA">) =>
  answer.status === "ok" ? answer.records.map((record) => record.address) : [];

/** IPv4 first, where reputation is older; the other family has its turn before the first is used up. */
function inTurn(v4: readonly string[], v6: readonly string[]): string[] {
  return Array.from({ length: Math.max(v4.length, v6.length) }, (_, i) =>
    [v4[i], v6[i]].filter((address) => address !== undefined),
  ).flat();
}

function silentHost(name: string, mxSecure: boolean): Found {
  const dane: HostDane = { status: "fault", kind: "timeout", detail: "no answer in time" };
  return { host: { name, mxSecure, dane, addresses: [] }, unsure: true, hidden: false };
}

function inTime<T>(work: Promise<T>, ms: number, otherwise: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
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
  // Through a NAT64 (RFC 6052).
  privateBlocks.addSubnet(`64:ff9b::${net}`, 96 + bits, "ipv6");
}
for (const [net, bits] of [
  ["::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 9],
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
