import type { DomainTransport, MessageAsk } from "../../transport/index.ts";
import type { DeliveryConfig, RelayContext } from "../context.ts";
import { findRoute, type Route } from "./route.ts";
import { waysOf, type Ways } from "./ways.ts";

/** The route of a domain, and what its hosts must show for mail that asks for this or that. */
export type WayThere = {
  route: Route;
  /** The same object for the same question. */
  waysFor(ask: MessageAsk): Ways;
};

export interface Atlas {
  /** Never rejects, and ends: the DNS and the policy have their deadlines. */
  wayTo(domain: string): Promise<WayThere>;
  /** What is known of the domain may be over: it is asked for again, but not twice within half a minute. */
  doubt(domain: string): void;
  /** As far as it is known without asking. */
  providerOf(domain: string): string | undefined;
}

const KNOWN_MS = 300_000;
/** A route of which the DNS did not say all, or that led to no TLS, is asked for again before the first retry. */
const UNSETTLED_MS = 30_000;
const MAX_KNOWN = 10_000;

/** Where mail of a domain goes and how it must travel: asked for once in five minutes, where the DNS said all. */
export function createAtlas(context: RelayContext, config: DeliveryConfig): Atlas {
  const { clock, identity, resolver, random, transport, shaping, observed } = context;
  const { isOwnAddress = () => false } = config;
  const ownHosts = [identity.hostname, ...(config.ownHosts ?? [])].map((name) => name.toLowerCase());
  /** What is for the pool itself is handed to its own hosts as to anybody's: nothing goes on from there by itself. */
  const homes = new Set([identity.poolDomain, identity.poolReturnPath, identity.hostname]);
  const known = new Map<string, { until: number; foundAt: number; way: Promise<WayThere> }>();
  /** Kept longer than a route: the provider of a domain seldom changes. */
  const providers = new Map<string, string>();

  async function find(domain: string): Promise<WayThere> {
    const allowPrivate = config.allowPrivate ?? false;
    const [route, policies] = await Promise.all([
      findRoute(domain, {
        resolver,
        ...(homes.has(domain) ? { ownHosts: [], isOwnAddress: () => false } : { ownHosts, isOwnAddress }),
        allowPrivate,
        random,
        providerOf: shaping.providerOf,
      }),
      transport.of(domain),
    ]);
    let { rule } = policies;
    let told = false;
    const ways = new Map<MessageAsk, Ways>();
    return {
      route,
      waysFor(ask) {
        // The operator's file is read anew while routes are known.
        const present = transport.ruleOf(domain);
        if (present?.tls !== rule?.tls || present?.minVersion !== rule?.minVersion) ways.clear();
        rule = present;
        // A mailed report about the fault would give rise to the next one, each day.
        if (!told && ask !== "tls-report") tellFault(policies);
        told ||= ask !== "tls-report";
        let found = ways.get(ask);
        if (!found) ways.set(ask, (found = waysOf(route.ok ? route.hosts : [], { ...policies, rule }, ask)));
        return found;
      },
    };
  }

  /** A policy that could not be had is reported, whatever becomes of the mail (RFC 8460 section 4.3.2.2). */
  function tellFault({ domain, sts: { fault } }: DomainTransport): void {
    if (!fault) return;
    const failure = { ...fault, sendingIp: "", mxHost: "", mxHelo: "", receivingIp: "" };
    observed({ at: clock.now(), domain, policy: { type: "sts", strings: [], mxHosts: [] }, failure });
  }

  function learn(domain: string, route: Route, entry: { until: number }): void {
    if (!route.ok) return void known.delete(domain);
    keepProvider(domain, route.provider);
    if (route.unsettled) entry.until = Math.min(entry.until, clock.now() + UNSETTLED_MS);
  }

  function keepProvider(domain: string, provider: string): void {
    providers.delete(domain);
    providers.set(domain, provider);
    if (providers.size > MAX_KNOWN) providers.delete(providers.keys().next().value!);
  }

  return {
    wayTo(domain) {
      const now = clock.now();
      const before = known.get(domain);
      // One that ends later than any does was found by a clock that was wrong.
      if (before && before.until > now && before.until <= now + KNOWN_MS) return before.way;
      const way = find(domain);
      const entry = { until: now + KNOWN_MS, foundAt: now, way };
      known.set(domain, entry);
      if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
      void way.then(({ route }) => learn(domain, route, entry));
      return way;
    },
    doubt(domain) {
      const entry = known.get(domain);
      if (entry) entry.until = Math.min(entry.until, entry.foundAt + UNSETTLED_MS);
    },
    providerOf: (domain) => providers.get(domain) ?? shaping.providerOfMailbox(domain),
  };
}
