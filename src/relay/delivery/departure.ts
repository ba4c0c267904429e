import { PROMISE_MS, type Egress, type EgressAddress, type Family } from "../../egress/index.ts";
import type { Measures } from "../../shaping/index.ts";
import type { Leased } from "../../spool/index.ts";
import { familyOf, type Route } from "./route.ts";
import type { Ways } from "./ways.ts";

/** Where a recipient's mail leaves from, or until when it waits and why. */
export type Departure =
  | { ok: true; egress: EgressAddress; takenAt: number; provider: string }
  | { ok: false; until: number; why: string };

type Asked = {
  leased: Leased;
  route: Extract<Route, { ok: true }>;
  ways: Ways;
  /** Kinds of address that nobody was reached by. */
  tried: ReadonlySet<Family>;
  now: number;
};

/** The same for the same hosts, in whichever order they are tried. */
export function hostsOf({ hosts }: Asked["route"]): string {
  return hosts
    .map(({ name }) => name)
    .toSorted()
    .join(" ");
}

/** What measures at a destination are kept by: the provider, or the hosts of nobody known. */
export function destinationOf(route: Asked["route"]): string {
  return route.provider === "other" ? hostsOf(route) : route.provider;
}

/** Kinds of address that the open hosts have. */
export function familiesOf({ open }: Ways, tried: ReadonlySet<Family> = new Set()): Set<Family> {
  const all = open.flatMap(({ host }) => host.addresses.map(familyOf));
  return new Set(all.filter((family) => !tried.has(family)));
}

/** Asks whether the member may go there now, and which address may. Takes one of its allowance. */
export function depart(
  { leased, route, ways, tried, now }: Asked,
  { egress, measures }: { egress: Egress; measures: Measures },
): Departure {
  const { did, priority } = leased.message;
  const { provider } = route;
  const destination = destinationOf(route);
  const suspended = measures.suspensionOf(did, destination, now);
  if (suspended) return { ok: false, until: suspended.until, why: suspended.why };
  const pauses = measures.pausesAt(destination, now);
  const without = new Set(pauses.map(({ subject }) => subject));
  const families = familiesOf(ways, tried);
  const last = tried.size > 0 ? undefined : (leased.egress ?? undefined);
  const age = Math.abs(now - leased.message.receivedAt);
  const promised = leased.attempts === 0 && tried.size === 0 && age < PROMISE_MS;
  const choice = egress.choose({ provider, families, last, without, priority, promised, now });
  if (choice.ok) return { ok: true, egress: choice.egress, takenAt: now, provider };
  const pause = pauses.toSorted((a, b) => a.until - b.until)[0];
  return pause && pause.until < choice.at
    ? { ok: false, until: pause.until, why: pause.why }
    : { ok: false, until: choice.at, why: choice.why };
}
