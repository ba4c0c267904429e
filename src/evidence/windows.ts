import { DAY_MS } from "../lib/clock.ts";
import { probabilityAbove, type BetaPrior } from "../lib/stats.ts";
import type { BounceWindow, ComplaintWindow } from "../event/index.ts";

/** How far a window reaches, and what is believed before any evidence. */
export const BOUNCE_WINDOW = { lastEligible: 200, reachMs: 90 * DAY_MS };
const BOUNCE_PRIOR: BetaPrior = { a: 1, b: 49 };
const COMPLAINT_PRIOR: BetaPrior = { a: 1, b: 999 };

/** Of a member's latest eligible trials (delivered or hard-bounced, one per recipient and day). */
export type BounceCounts = Pick<BounceWindow, "eligible" | "hard" | "distinct"> &
  Partial<Pick<BounceWindow, "first_contacts" | "domains">>;

/** The bounce window; `distinct` counts different recipients that bounced. Rates without evidence are 0. */
export function bounceWindow(counts: BounceCounts): BounceWindow {
  const { eligible, hard, distinct, first_contacts = 0, domains = 0 } = counts;
  return {
    eligible,
    hard,
    distinct,
    rate: eligible === 0 ? 0 : hard / eligible,
    p_over_5: probabilityAbove(0.05, hard, eligible, BOUNCE_PRIOR),
    p_over_10: probabilityAbove(0.1, hard, eligible, BOUNCE_PRIOR),
    first_contacts,
    domains,
    by_strangers: first_contacts * 2 > hard,
  };
}

/** The complaint window; `eligible` are deliveries to providers that run a feedback loop. */
export function complaintWindow(delivered: number, complainants: readonly string[]): ComplaintWindow {
  const complaints = complainants.length;
  const eligible = Math.max(delivered, complaints);
  return {
    eligible,
    complaints,
    complainants: new Set(complainants).size,
    rate: eligible === 0 ? 0 : complaints / eligible,
    p_over_01: probabilityAbove(0.001, complaints, eligible, COMPLAINT_PRIOR),
    p_over_05: probabilityAbove(0.005, complaints, eligible, COMPLAINT_PRIOR),
  };
}
