import type { Membership } from "../policy/index.ts";
import type { Between } from "../timing/index.ts";

/** How long deliveries took, from the hand-in to the remote's 250; nulls: there were none. */
export type Took = {
  n: number;
  /** Half of them, 19 of 20, and all of them were over within that. */
  half: Between | null;
  most: Between | null;
  slowest: Between | null;
};

/** One provider in the days that are shown. */
export type ProviderDelivery = {
  id: string;
  name: string;
  delivered: number;
  deferred: number;
  bounced: number;
  took: Took;
  /** Oldest first; each begins at `at`, ms. */
  days: { at: number; delivered: number; deferred: number; bounced: number }[];
};

/** A time in which login codes were late somewhere. */
export type LateTime = {
  /** Of several members. */
  isPools: boolean;
  provider: string;
  since: number;
  until: number | null;
  known: number;
  slow: number;
  waiting: number;
  longestMs: number;
};

export type DeliveryView = {
  asOf: number;
  did: string;
  domain: string;
  membership: Membership;
  /** The first day that is shown. */
  since: number;
  /** Those with most mail first. */
  providers: ProviderDelivery[];
  codes: Took & {
    /** Of the last day, the longest first. */
    late: { message: string; provider: string; handedIn: number; doneAt: number | null }[];
    slow: LateTime[];
  };
};
