import type { Budget } from "./run-state.ts";
import type { ExistingLabel } from "./functions/definition.ts";
import { toSeconds, unwrap, type JsonObject, type LabelEffect, type Value } from "./values.ts";

export type { ExistingLabel };

/** The event that rules judge. */
export type Action = {
  /** Text of digits where it may be beyond 2^53. */
  actionId: bigint | string;
  actionName: string;
  /** ISO 8601 in UTC; it is the clock of the evaluation. */
  sendTime: string;
  data: JsonObject;
};

export type EvaluateOptions = {
  /** By `EntityType/id`, then by label: what stood before the event. */
  existingLabels?: Readonly<Record<string, Readonly<Record<string, ExistingLabel>>>>;
  budget?: Partial<Budget>;
};

/** A value as JSON; ints beyond 2^53 are text of digits. */
export type Feature = null | boolean | number | string | Feature[];
export type FeatureType = "int" | "float" | "str" | "bool" | "null" | "list" | "entity" | "effect";

export type AppliedLabel = {
  entityType: string;
  entityId: string | bigint;
  label: string;
  status: "added" | "removed";
  /** Seconds, or never. */
  expiresAfterS: number | null;
  /** The rule that lets this effect through. */
  applyIf: string | null;
  /** The rules that held, in the order in which the block names them. */
  rules: string[];
  delayActionByS?: number;
};

export type FiredRule = {
  name: string;
  /** As written, with `{Name}` for what was filled in. */
  template: string;
  values: Record<string, string>;
  description: string;
};

/** Why a rule did or did not fire. `null` stands for a value that could not be had. */
export type RuleTrace = {
  name: string;
  file: string;
  line: number;
  fired: boolean | null;
  conditions: { text: string; line: number; value: boolean | null }[];
  /** The features that its conditions and its description name. */
  features: Record<string, Feature>;
};

export type EvaluationError = { file: string; line: number; reason: string };

export type Outcome = {
  /** What the files that ran give out, by name; a value that failed is `null`. */
  features: Record<string, Feature>;
  types: Record<string, FeatureType>;
  errorCount: number;
  /** The first of them. */
  errors: EvaluationError[];
  /** Rules and other assignments that took more work than the budget allows; each is an error. */
  exceeded: string[];
  labelEffects: AppliedLabel[];
  verdicts: string[];
  /** By name. */
  firedRules: FiredRule[];
  /** Every rule of the files that ran, in the order in which they ran. */
  trace: RuleTrace[];
};

export function toFeature(value: Value): Feature {
  const plain = unwrap(value);
  if (Array.isArray(plain)) return plain.map(toFeature);
  if (typeof plain === "bigint") return isSafe(plain) ? Number(plain) : plain.toString();
  if (plain === null || typeof plain !== "object") return plain;
  return "verdict" in plain ? plain.verdict : "label" in plain ? plain.label : null;
}

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);
const isSafe = (value: bigint) => value <= LARGEST && value >= -LARGEST;

export function featureType(value: Value): FeatureType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "bigint":
      return "int";
    case "number":
      return "float";
    case "string":
      return "str";
    case "boolean":
      return "bool";
    default:
      return {
        entity: "entity",
        span: "float",
        rule: "bool",
        "label-effect": "effect",
        "verdict-effect": "effect",
      }[value.kind] as FeatureType;
  }
}

/** The label change as it takes effect, or nothing if its gate holds it back. */
export function appliedLabel(effect: LabelEffect): AppliedLabel | undefined {
  if (effect.suppressed || effect.applyIf?.fired === false) return undefined;
  return {
    entityType: effect.entity.type,
    entityId: effect.entity.id,
    label: effect.label,
    status: effect.status,
    expiresAfterS: effect.expiresAfter === null ? null : toSeconds(effect.expiresAfter),
    applyIf: effect.applyIf?.name ?? null,
    rules: effect.rules.map((rule) => rule.name),
    ...(effect.delayActionBy === null ? {} : { delayActionByS: toSeconds(effect.delayActionBy) }),
  };
}
