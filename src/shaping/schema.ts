import { z } from "zod";
import { REPLY_CLASSES, REPLY_PHASES } from "../protocol/smtp-reply/index.ts";
import { readPhrase } from "./phrase.ts";
import { readEnhanced } from "./rule.ts";

/** The form of a shaping file. Every key may be left out: a file may be laid over another. */

const MEASURES = ["slow-down", "pause-provider", "suspend-member", "none"] as const;
const CLASSES = REPLY_CLASSES.filter((kind) => !["ok", "expired"].includes(kind));
const FAULTS = ["recipient", "member", "pool", "remote", "none"] as const;

const MINUTE = 60_000;
const UNITS: Record<string, number> = { s: 1_000, m: MINUTE, h: 60 * MINUTE, d: 1_440 * MINUTE };

/** `90s`, `15m`, `2h`, `1d` in milliseconds: from a minute to a week. */
const span = z.string().transform((text, context): number => {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (ms >= MINUTE && ms <= 7 * 1_440 * MINUTE) return ms;
  context.addIssue({ code: "custom", message: "must be a time from 60s to 7d, such as 15m or 2h" });
  return z.NEVER;
});

const whole = (least: number, most: number, error: string) => z.int(error).min(least, error).max(most, error);
const count = (most: number) => whole(1, most, `must be a whole number from 1 to ${most}`);

const RATE = 'must be a whole number from 1 to 100000, or "unlimited"';
const CODE = 'must be a code from 400 to 599, "4xx" or "5xx"';

const limits = {
  connections: count(1_000),
  connections_per_address: count(1_000),
  messages_per_connection: count(10_000),
  messages_per_minute: z
    .union([z.literal("unlimited"), whole(1, 100_000, RATE)], RATE)
    .transform((value) => (value === "unlimited" ? undefined : value)),
};

const partial = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).partial();

/** The last labels of a host name; `*` is any one label. */
const pattern = z
  .string()
  .toLowerCase()
  .regex(
    /^(?=.{3,253}$)(?:(?:\*|[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?)\.)*[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be the end of a host name in A-label form, such as google.com: two labels at least; * stands for one label before them",
  );

const domainName = z
  .string()
  .toLowerCase()
  .regex(
    /^(?=.{3,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
    "must be a domain name in A-label form",
  );

const code = z
  .union([whole(400, 599, CODE), z.literal("4xx"), z.literal("5xx")], CODE)
  .transform((value) => (value === "4xx" ? 4 : value === "5xx" ? 5 : value));

const enhanced = z.string().transform((text, context) => {
  const codes = readEnhanced(text);
  if (codes && codes.from <= codes.to) return codes;
  const message = 'must be an enhanced code: "5.7.1", "x.7.26" (4 or 5) or "5.7.606-649"';
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const phrase = z.string().transform((text, context) => {
  const read = readPhrase(text);
  if (read.ok) return read.phrase;
  context.addIssue({ code: "custom", message: read.why });
  return z.NEVER;
});

const sentence = z.string().min(1, "must not be empty").max(600, "must have at most 600 characters");
const url = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });

const rule = partial({
  off: z.boolean("must be true or false"),
  code: z.array(code).min(1, "must name a code").max(20, "must have at most 20 codes"),
  enhanced: z.array(enhanced).min(1, "must name a code").max(50, "must have at most 50 codes"),
  phase: z.array(z.enum(REPLY_PHASES)).min(1, "must name a phase"),
  text: z.array(phrase).min(1, "must have a phrase").max(50, "must have at most 50 phrases"),
  class: z.enum(CLASSES),
  fault: z.enum(FAULTS),
  outcome: z.enum(["retry", "bounce"]),
  measure: z.enum(MEASURES),
  for: span,
  advice: sentence,
  source: url,
});

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    "is no name: small letters, digits and hyphens, a letter first, at most 40",
  );

const rules = z.record(name, rule);

const provider = partial({
  ...limits,
  name: sentence,
  like: name,
  mx: z.array(pattern).min(1, "must name a host").max(100, "must have at most 100 hosts"),
  mailboxes: z.array(domainName).max(500, "must have at most 500 domains"),
  rule: rules,
});

const domain = partial({
  tls: z.enum(["clear", "floor", "verified"]),
  min_version: z.enum(["1.2", "1.3"]),
});

export const fileSchema = partial({
  default: partial(limits),
  provider: z.record(name, provider),
  rule: rules,
  domain: z.record(domainName, domain),
});

export type ShapingDocument = z.infer<typeof fileSchema>;
export type ProviderTable = z.infer<typeof provider>;
export type RuleTable = z.infer<typeof rule>;

/** The keys that a table may have, by where it stands. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const [first] = path;
  const isRule = (first === "rule" && path.length === 2) || (first === "provider" && path.length === 4);
  if (path.length === 0) return Object.keys(fileSchema.shape);
  if (first === "default") return Object.keys(limits);
  if (isRule) return Object.keys(rule.shape);
  if (first === "domain") return Object.keys(domain.shape);
  return Object.keys(provider.shape);
}
