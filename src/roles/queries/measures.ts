import type { MeasureLine, WaitingAt } from "../../web/index.ts";
import type { QueryParts } from "./parts.ts";

/** What providers asked of us, for the committee. */
export function measureLines({ core, measures, shaping }: QueryParts): MeasureLine[] {
  return (measures?.inForce() ?? []).map((one) => {
    const { kind, provider, subject, since, until, why, advice } = one;
    const domain = kind === "suspend" ? (core.members.domainsOf(subject)[0]?.name ?? subject) : null;
    const providerName = shaping?.nameOf(provider) ?? provider;
    return { kind, provider, providerName, subject, domain, since, until, why, advice };
  });
}

/**
 * Where mail of a member waits: at providers that want none of it for a while, and at those that want none from any of the
 * addresses in use. What one of several addresses may not do is nothing that a member would see.
 */
export function waitsAt({ measures, shaping, egress, clock }: QueryParts, did: string): WaitingAt[] {
  const all = measures?.inForce() ?? [];
  const nameOf = (provider: string) => shaping?.nameOf(provider) ?? provider;
  const own = all
    .filter(({ kind, subject }) => kind === "suspend" && subject === did)
    .map(({ provider, until, why, advice }) => ({
      provider,
      providerName: nameOf(provider),
      until,
      why,
      advice,
      ofMember: true,
    }));
  const inUse = (egress?.status(clock.now()) ?? []).filter(({ out }) => out === undefined);
  const pauses = Map.groupBy(
    all.filter(({ kind }) => kind === "pause"),
    ({ provider }) => provider,
  );
  const everywhere = [...pauses].flatMap(([provider, some]): WaitingAt[] => {
    const paused = new Set(some.map(({ subject }) => subject));
    if (inUse.length === 0 || !inUse.every(({ address }) => paused.has(address))) return [];
    const first = some.toSorted((a, b) => a.until - b.until)[0]!;
    const { until, why } = first;
    // What is to be done is for whoever runs the pool, and on the committee's page.
    return [{ provider, providerName: nameOf(provider), until, why, advice: null, ofMember: false }];
  });
  return [...own, ...everywhere];
}
