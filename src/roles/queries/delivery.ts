import { DAY_MS } from "../../lib/clock.ts";
import { quantile, SLOW_MS, type TimesOfDay } from "../../timing/index.ts";
import type { DeliveryView, ProviderDelivery } from "../../web/index.ts";
import type { MessageParts } from "./messages.ts";
import { dayOf } from "./parts.ts";

const DAYS = 30;
const SLOW_TIMES = 10;

/** What became of a member's mail at each provider, and how long it took; null: there is no such member. */
export function deliveryView({ core, shaping, clock }: MessageParts, did: string): DeliveryView | null {
  const member = core.members.get(did);
  if (!member) return null;
  const now = clock.now();
  const first = dayOf(now) - DAYS + 1;
  const times = core.timing.times(did, first, false);
  const codes = core.timing.times(did, first, true);
  const nameOf = (provider: string) =>
    provider === "other" ? "Other hosts" : (shaping?.nameOf(provider) ?? provider);
  const volumes = core.evidence.providersOf(did, first);
  const providers: ProviderDelivery[] = [...Map.groupBy(volumes, ({ provider }) => provider)]
    .map(([provider, of]) => {
      const byDay = new Map(of.map((one) => [one.day, one]));
      const total = (what: "delivered" | "deferred" | "bounced") =>
        of.reduce((sum, one) => sum + one[what], 0);
      return {
        id: provider,
        name: nameOf(provider),
        delivered: total("delivered"),
        deferred: total("deferred"),
        bounced: total("bounced"),
        took: tookOf(times.filter((one) => one.provider === provider)),
        days: Array.from({ length: DAYS }, (_, i) => {
          const { delivered = 0, deferred = 0, bounced = 0 } = byDay.get(first + i) ?? {};
          return { at: (first + i) * DAY_MS, delivered, deferred, bounced };
        }),
      };
    })
    .toSorted((a, b) => b.delivered + b.bounced - (a.delivered + a.bounced) || a.id.localeCompare(b.id));
  const slow = [
    ...core.timing.slowOf(did, SLOW_TIMES),
    ...core.timing.slowNow().filter((one) => one.did === null),
  ];
  return {
    asOf: now,
    did,
    domain: core.members.domainsOf(did)[0]?.name ?? member.name,
    membership: member.membership,
    since: first * DAY_MS,
    providers,
    codes: {
      ...tookOf(codes),
      late: core.timing
        .late(did, { now, since: now - DAY_MS, least: SLOW_MS })
        .map(({ provider, ...code }) => ({ ...code, provider: nameOf(provider) })),
      slow: slow
        .toSorted((a, b) => b.since - a.since)
        .map(({ did: of, provider, since, until, last }) => ({
          isPools: of === null,
          provider: nameOf(provider),
          since,
          until,
          ...last,
        })),
    },
  };
}

function tookOf(times: readonly TimesOfDay[]): ProviderDelivery["took"] {
  const counts = times.reduce<number[]>((sum, { counts: more }) => more.map((n, i) => n + (sum[i] ?? 0)), []);
  return {
    n: counts.reduce((sum, n) => sum + n, 0),
    half: quantile(counts, 0.5),
    most: quantile(counts, 0.95),
    slowest: quantile(counts, 1),
  };
}
