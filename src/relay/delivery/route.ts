import { isIP, isIPv6 } from "node:net";
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
  | {
      ok: true;
      hosts: MailHost[];
      provider: string;
      /** The DNS did not say all of it: a route for now. */
      unsettled?: true;
    }
  | { ok: false; permanent: boolean; class: ReplyClass; enhanced: string; text: string };

export type RouteOptions = {
  resolver: Resolver;
  /** Our own names, lower case: mail that leads to them, or to hosts behind them, loops (RFC 5321 section 5.1). */
  ownHosts: readonly string[];
  /** Whether port 25 of an address leads to ourselves, whatever name leads there. */
  isOwnAddress: (address: string) => boolean;
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
/** Addresses that one attempt tries, beside those of hosts that cannot take the message. */
export const MAX_TRIED = 6;
const MAX_TRIED_OF_HOST = 3;
const HOST_MS = 15_000;

type Found = { host: MailHost; preference: number; unsure: boolean; hidden: boolean };
type Named = { name: string; preference: number };

/**
 * MX by preference, implicit MX, null MX, address literals (RFC 5321 sections 4.1.3 and 5.1, RFC 7505). A CNAME is
 * followed, of the domain as of a mail host. With each host stands what the DNS says of its certificate (DANE). A host about
 * which the DNS says nothing in time is passed over; only where none is left, mail waits.
 */
export async function findRoute(domain: string, options: RouteOptions): Promise<Route> {
  const { resolver, ownHosts, isOwnAddress, random, hostMs = HOST_MS } = options;
  if (domain.startsWith("[")) return literalRoute(domain, options);
  const answer = await inTime(resolver.resolve(domain, "MX"), 2 * hostMs, {
    status: "temperror" as const,
    detail: "no answer in time",
  });
  if (answer.status === "temperror")
    return later(`the mail hosts of ${domain} could not be looked up: ${answer.detail}`);
  if (answer.status === "nxdomain")
    return never("bad-domain", "5.1.2", `the domain ${domain} does not exist`);
  const named = answer.status === "ok" ? byPreference(answer, random) : [{ name: domain, preference: 0 }];
  if (named === "null") return never("bad-domain", "5.1.10", `${domain} takes no mail (null MX)`);
  const ownName = named.find(({ name }) => ownHosts.includes(name));
  const before = beforeOurselves(named, ownName);
  const canonical = answer.status === "ok" ? (answer.canonical ?? domain) : domain;
  const securedDomains = answer.authentic ? [...new Set([domain, canonical])] : [];
  const asked = before
    .slice(0, MAX_HOSTS)
    .map((one) => inTime(hostOf(one, securedDomains, options), hostMs, silentHost(one, answer.authentic)));
  const all = await Promise.all(asked);
  const own = all.find(({ host }) => host.addresses.some(isOwnAddress));
  const found = beforeOurselves(all, own);
  if (found.length === 0)
    return loop(domain, own ? placeOf(own.host, isOwnAddress) : (ownName?.name ?? domain));
  const hosts = found.flatMap((f) => (f.host.addresses.length > 0 ? [f.host] : []));
  const settled = found.every(({ host, unsure }) => !unsure && host.dane.status !== "fault");
  const provider = providerOfAll(hosts, options.providerOf);
  if (hosts.length > 0) return { ok: true, hosts, provider, ...(!settled && { unsettled: true }) };
  if (found.some((f) => f.unsure)) return later(`the mail hosts of ${domain} could not be looked up`);
  if (own || ownName) return loop(domain, own ? placeOf(own.host, isOwnAddress) : ownName!.name);
  if (found.some((f) => f.hidden)) {
    return never("bad-domain", "5.4.4", `the mail hosts of ${domain} have no public address`);
  }
  return never("bad-domain", "5.4.4", `the mail hosts of ${domain} have no address`);
}

/** Behind ourselves, and beside us, nobody is asked: they would send it to us (RFC 5321 section 5.1). */
function beforeOurselves<T extends { preference: number }>(
  all: readonly T[],
  own: T | undefined,
): readonly T[] {
  return own ? all.filter(({ preference }) => preference < own.preference) : all;
}

const placeOf = ({ name, addresses }: MailHost, isOwnAddress: RouteOptions["isOwnAddress"]) =>
  `${name} [${addresses.find(isOwnAddress)}]`;

function loop(domain: string, place: string): Route {
  const text = `mail for ${domain} loops back to us: its mail host ${place} is this relay, which holds no mailboxes. The MX record must name the server that does`;
  return never("system", "5.4.6", text);
}

function literalRoute(domain: string, { allowPrivate, isOwnAddress }: RouteOptions): Route {
  const address = literalAddress(domain);
  if (address === undefined) return never("bad-domain", "5.1.3", `${domain} is no address literal`);
  if (isOwnAddress(address)) return loop(domain, domain);
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

/** The addresses that one attempt may try, in order: of a single host six, of each of several three. */
export function targetsOf<H extends { addresses: readonly string[] }>(
  hosts: readonly H[],
): { host: H; address: string }[] {
  const each = hosts.length > 1 ? MAX_TRIED_OF_HOST : MAX_TRIED;
  return hosts.flatMap((host) => host.addresses.slice(0, each).map((address) => ({ host, address })));
}

function byPreference(
  answer: Extract<DnsAnswer<"MX">, { status: "ok" }>,
  random: () => number,
): Named[] | "null" {
  const named = answer.records.flatMap(({ preference, exchange }) =>
    exchange === "" || exchange === "."
      ? []
      : [{ preference, name: exchange.toLowerCase().replace(/\.$/, ""), order: random() }],
  );
  if (named.length === 0) return "null";
  named.sort((a, b) => a.preference - b.preference || a.order - b.order);
  const known = new Set<string>();
  return named.filter(({ name }) => known.size < known.add(name).size);
}

async function hostOf(
  { name, preference }: Named,
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
    preference,
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

function silentHost({ name, preference }: Named, mxSecure: boolean): Found {
  const dane: HostDane = { status: "fault", kind: "timeout", detail: "no answer in time" };
  return { host: { name, mxSecure, dane, addresses: [] }, preference, unsure: true, hidden: false };
}

function inTime<T>(work: Promise<T>, ms: number, otherwise: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** An address that no mail host on the Internet has (RFC 6890); a member's DNS must not lead us into our own network. */
export function isPrivate(address: string): boolean {
  return isIP(address) !== 0 && !isPublicAddress(address);
}

function later(text: string): Route {
  return { ok: false, permanent: false, class: "network", enhanced: "4.4.3", text };
}

function never(kind: ReplyClass, enhanced: string, text: string): Route {
  return { ok: false, permanent: true, class: kind, enhanced, text };
}
