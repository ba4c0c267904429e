import { isValidDid } from "@atproto/syntax";
import { z } from "zod";
import { normalizeDomain } from "../../attestation/index.ts";
import { STREAMS } from "../../policy/index.ts";

/** Fields that several requests have. Every text is bounded. */
export const did = z.string().refine((text) => isValidDid(text), {
  error: ({ input }) =>
    `"${String(input).slice(0, 100)}" is not a DID; one looks like did:plc:..., or did:web:...`,
});
export const domain = z.string().transform((text, context) => {
  const name = normalizeDomain(text);
  if (name === undefined) context.addIssue({ code: "custom", message: `"${text}" is not a domain name` });
  return name ?? z.NEVER;
});
/** Who decides, for the record: a DID, a handle or a name. */
export const by = z.string().trim().min(1).max(100);
export const words = z.string().max(2_000);
export const reason = z.string().trim().min(1).max(2_000);
export const cap = z.number().int().min(1).max(1_000_000).nullable();
export const streams = z.array(z.enum(STREAMS)).min(1).max(STREAMS.length);
export const environmentOptions = z.object({
  starttls: z.boolean().optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  from: z.string().max(64).optional(),
  moderationFrom: z.string().max(64).optional(),
});
