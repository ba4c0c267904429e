import { planFrom, planWarmup, USUAL_PROVIDERS, type EgressStatus } from "../../egress/index.ts";
import type { EgressView } from "../../web/index.ts";
import { lastDays, type QueryParts } from "./parts.ts";

const PLAN_DAYS = 30;
const WEEK = 7;
const NOTICES = 8;
/** With fewer messages today, how they are spread over providers says nothing yet. */
const TELLING = 50;

export function egressView(parts: QueryParts): EgressView | null {
  const { core, egress, clock } = parts;
  if (!egress) return null;
  const addresses = egress.status(clock.now());
  const week = lastDays(parts, WEEK + 1).slice(0, WEEK);
  const active = Math.max(1, week.filter((day) => day.accepted > 0).length);
  const perDay = Math.round(week.reduce((sum, day) => sum + day.accepted, 0) / active);
  const { days, clearFrom } = planWarmup({
    addresses: planFrom(addresses.filter(({ out }) => out === undefined)),
    perDay,
    providers: sharesOf(addresses),
    days: PLAN_DAYS,
  });
  return {
    addresses,
    notices: core.egressNotices.latest(NOTICES),
    plan: { perDay, days: days.map(({ sent, waits }) => ({ sent, waits })), clearFrom: clearFrom ?? null },
  };
}

/** How today's mail is spread over the providers. */
function sharesOf(addresses: readonly EgressStatus[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { providers } of addresses)
    for (const { provider, usedToday } of providers)
      counts.set(provider, (counts.get(provider) ?? 0) + usedToday);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total < TELLING) return USUAL_PROVIDERS;
  return Object.fromEntries([...counts].map(([provider, count]) => [provider, count / total]));
}
