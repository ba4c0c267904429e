import type { ActionName, Envelope } from "../event/index.ts";
import {
  evaluate,
  subjectsOf,
  type AppliedLabel,
  type Feature,
  type JsonObject,
  type Outcome,
  type RuleTrace,
} from "../protocol/sml/index.ts";
import { readRules, type RuleReading } from "./conditions.ts";
import { compileSet, rulesOf, type RuleText } from "./program.ts";
import { hashOf, type RuleSet, type ShadowList } from "./rule-set.ts";

/** A change of label as it takes effect. */
export type RuleEffect = Omit<AppliedLabel, "entityId" | "rules"> & { entityId: string };

/** What one rule that fired concluded. Without effects it is for the record only. */
export type RuleVerdict = {
  rule: string;
  /** The rule's sentence with its values filled in. */
  description: string;
  effects: RuleEffect[];
  /** The rule, or every label that it gives, is in shadow: `effects` is empty. */
  shadow: boolean;
  /** What would follow if nothing were in shadow. */
  wouldEffects: RuleEffect[];
  /** The features that the rule read, by name. */
  values: Record<string, Feature>;
};

/** A rule that gave no answer: neither that it holds nor that it does not. */
type FailedRule = { rule: string; why: "error" | "budget"; reason: string };

export type RuleResult = {
  /** One for each rule that fired, in the order in which the rules stand. */
  verdicts: RuleVerdict[];
  /** Texts of `DeclareVerdict`. */
  declared: string[];
  errorCount: number;
  /** The first errors, with their place. */
  errors: Outcome["errors"];
  failed: FailedRule[];
  /** Every rule that ran: whether it fired, and each of its conditions. Empty unless it was asked for. */
  trace: RuleTrace[];
};

/** What judges events: the evaluator of this program, or Osprey workers behind the bus. */
export interface RulesEngine {
  /** Names the exact text of rules and labels, so that a verdict can be replayed. */
  readonly hash: string;
  evaluate(envelope: Envelope, options?: { trace?: boolean }): RuleResult;
  /** Judged and recorded, and nothing follows. */
  readonly shadow: ShadowList;
  /** Whether any rule can hold for events of this name; the others need no evaluation. */
  judges(action: ActionName): boolean;
  /** The text of a rule, for the person concerned; undefined when there is no such rule. */
  sourceOf(rule: string): string | undefined;
}

export type EmbeddedEngine = RulesEngine & {
  readonly rules: readonly RuleText[];
  /** The same, taken apart for people to read. */
  readonly readings: readonly RuleReading[];
};

const NO_SHADOW: ShadowList = { rules: [], labels: [] };

/** Compiles the rules once. Throws `RulesError` when they are not right. */
export function createEmbeddedEngine(set: RuleSet): EmbeddedEngine {
  const program = compileSet(set);
  const subjects = subjectsOf(program);
  const rules = rulesOf(program);
  const shadow = set.shadow ?? NO_SHADOW;
  return {
    hash: hashOf(set),
    shadow,
    rules,
    readings: readRules(program),
    judges: (action) => subjects === undefined || subjects.has(action),
    sourceOf: (name) => rules.find((rule) => rule.name === name)?.source,
    evaluate(envelope, { trace = false } = {}) {
      const { action_id, action_name, data } = envelope.data;
      const outcome = evaluate(program, {
        actionId: action_id,
        actionName: action_name,
        sendTime: envelope.send_time,
        // The envelope is JSON by definition; its type is narrower than any JSON object.
        data: data as unknown as JsonObject,
      });
      return toResult(outcome, shadow, trace);
    },
  };
}

function toResult(outcome: Outcome, shadow: ShadowList, trace: boolean): RuleResult {
  const { errorCount, errors } = outcome;
  const isQuiet = outcome.firedRules.length === 0;
  return {
    verdicts: isQuiet ? [] : verdictsOf(outcome, shadow),
    declared: outcome.verdicts,
    errorCount,
    errors,
    failed: errorCount === 0 ? [] : failedOf(outcome),
    trace: trace ? outcome.trace : [],
  };
}

function verdictsOf({ trace, firedRules, labelEffects }: Outcome, shadow: ShadowList): RuleVerdict[] {
  const descriptions = new Map(firedRules.map((rule) => [rule.name, rule.description]));
  return trace
    .filter((rule) => rule.fired === true)
    .map(({ name: rule, features: values }) => {
      const all = labelEffects.filter((effect) => effect.rules.includes(rule));
      return underShadow(
        { rule, description: descriptions.get(rule) ?? "", all: all.map(toEffect), values },
        shadow,
      );
    });
}

/** The verdict of a rule that fired, without the effects that are in shadow. `all`: what it would do. */
export function underShadow(
  {
    rule,
    description,
    all,
    values,
  }: Pick<RuleVerdict, "rule" | "description" | "values"> & { all: RuleEffect[] },
  shadow: ShadowList,
): RuleVerdict {
  const isShadow = ({ label, applyIf }: RuleEffect) =>
    shadow.rules.includes(rule) ||
    shadow.labels.includes(label) ||
    (applyIf !== null && shadow.rules.includes(applyIf));
  const effects = all.filter((effect) => !isShadow(effect));
  return {
    rule,
    description,
    effects,
    shadow: shadow.rules.includes(rule) || (all.length > 0 && effects.length === 0),
    wouldEffects: all,
    values,
  };
}

function toEffect({ rules: _rules, entityId, ...effect }: AppliedLabel): RuleEffect {
  return { ...effect, entityId: String(entityId) };
}

/** What failed, by rule; an error in no rule's conditions goes by its file. */
function failedOf({ trace, errors, exceeded }: Outcome): FailedRule[] {
  const reason = errors.map((one) => `${one.file}:${one.line}: ${one.reason}`).join("; ");
  const silent = trace.filter((rule) => rule.fired === null).map((rule) => rule.name);
  const names = silent.length > 0 ? silent : [...new Set(errors.map((one) => one.file))];
  const why = exceeded.length > 0 ? "budget" : "error";
  return names.map((rule) => ({ rule, why, reason }));
}
