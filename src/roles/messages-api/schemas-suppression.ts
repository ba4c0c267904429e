import { z } from "zod";
import { SUPPRESSION_REASONS, SUPPRESSION_STREAMS } from "../../suppression/index.ts";

export const suppressionQuery = z.object({
  address: z.string().max(320).optional().describe("Only what keeps mail from this address"),
  before: z
    .string()
    .regex(/^\d{1,16}$/, "is not a place in the list; take it from `next`")
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const suppressionList = z.strictObject({
  suppressions: z
    .array(
      z.strictObject({
        key: z.string().describe("The keyed hash of the address, which is not kept"),
        domain: z.string().describe("Of the address; empty where only its hash is known"),
        reason: z.enum(SUPPRESSION_REASONS),
        streams: z.enum(SUPPRESSION_STREAMS).describe("`bulk`: transactional mail still goes there"),
        scope: z.enum(["member", "pool"]).describe("`pool`: it binds every member"),
        createdAt: z.iso.datetime(),
        expiresAt: z.iso.datetime().nullable().describe("null: until it is released"),
        said: z.string().describe("The other side's code and words, without addresses; or empty"),
      }),
    )
    .describe("Newest first"),
  next: z.string().nullable().describe("`before` of the next page"),
});
export type SuppressionList = z.infer<typeof suppressionList>;

export const suppressionReleased = z.strictObject({
  released: z.int().describe("Entries that kept mail from this address"),
  pending: z.boolean().describe("True: it is noted, and takes effect as soon as core hears of it"),
});
export type SuppressionReleased = z.infer<typeof suppressionReleased>;
