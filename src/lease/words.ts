import { z } from "zod";
import { BUCKET_NAMES } from "../policy/index.ts";

/** A node asks core for a share of a member's limits, and tells what it spent; keyed by DID. */
export const LIMIT_ASK_TOPIC = "limit.ask";
/** What core answers, for the node that is named; keyed by DID. */
export const LIMIT_GRANT_TOPIC = "limit.grant";

const units = z.number().int().min(0).max(1_000_000_000);
const about = {
  node: z.string().min(1).max(64),
  did: z.string().min(1).max(2_048),
  origin: z.string().min(1).max(64),
  /** Of the ask, rising; the answer has the same. */
  id: units,
};

export const LimitAsk = z.object({
  ...about,
  spent: units,
  settled: units,
  want: z.number().int().min(0).max(100_000),
});
export type LimitAsk = z.infer<typeof LimitAsk>;

/** Times as durations, so that no clock is compared with another's. */
export const LimitGrant = z.object({
  ...about,
  upTo: units,
  lease: units,
  empty: z
    .object({ bucket: z.enum(BUCKET_NAMES), forMs: z.number().int().min(1).max(864_000_000) })
    .nullable(),
});
export type LimitGrant = z.infer<typeof LimitGrant>;
