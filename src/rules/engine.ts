import { createHash } from "node:crypto";
import type { ActionName, Envelope } from "../event/index.ts";
import {
  compile,
  evaluate,
  renderDiagnostic,
  subjectsOf,
  type AppliedLabel,
  type Feature,
  type JsonObject,
  type LabelsConfig,
  type Outcome,
  type RuleTrace,
} from "../protocol/sml/index.ts";
import { ruleSource } from "./source.ts";

/** The text of all rule files by path, and the labels that they may give. */
export type RuleSet = { files: Readonly<Record<string, string>>; labels: LabelsConfig };

/** A change of label as it takes effect. */
type RuleEffect = Omit<AppliedLabel, "entityId" | "rules"> & { entityId: string };

/** What one rule that fired concluded. Without effects it is for the record only. */
type RuleVerdict = {
  rule: string;
  /** The rule's sentence with its values filled in. */
  description: string;
  effects: RuleEffect[];
  /** The features that the rule read, by name. */
  values: Record<string, Feature>;
};

type RuleResult = {
  /** One for each rule that fired, in the order in which the rules stand. */
  verdicts: RuleVerdict[];
  /** Texts of `DeclareVerdict`. */
  declared: string[];
  errorCount: number;
  /** The first errors, with their place. */
  errors: Outcome["errors"];
  /** Every rule that ran: whether it fired, and each of its conditions. */
  trace: RuleTrace[];
};

/** What judges events: the evaluator of this program, or Osprey workers behind the bus. */
export interface RulesEngine {
  /** Names the exact text of rules and labels, so that a verdict can be replayed. */
  readonly hash: string;
  evaluate(envelope: Envelope): RuleResult;
  /** Whether any rule can hold for events of this name; the others need no evaluation. */
  judges(action: ActionName): boolean;
  /** The text of a rule, for the person concerned; undefined when there is no such rule. */
  sourceOf(rule: string): string | undefined;
}

/** The rules cannot be used; the message shows each place with its line. */
export class RulesError extends Error {
  override readonly name = "RulesError";
}

const SHOWN = 10;

/** Compiles the rules once. Throws `RulesError` when they are not right: nothing should run on half a rule set. */
export function createEmbeddedEngine({ files, labels }: RuleSet): RulesEngine {
  const compiled = compile(files, labels);
  if (!compiled.ok) {
    const shown = compiled.diagnostics.slice(0, SHOWN).map((one) => renderDiagnostic(one, files[one.file]));
    const more = compiled.diagnostics.length - shown.length;
    throw new RulesError([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"));
  }
  const { program } = compiled;
  const subjects = subjectsOf(program);
  return {
    hash: hashOf({ files, labels }),
    judges: (action) => subjects === undefined || subjects.has(action),
    sourceOf: (rule) => ruleSource(files, rule),
    evaluate: (envelope) => {
      const { action_id, action_name, data } = envelope.data;
      const outcome = evaluate(program, {
        actionId: action_id,
        actionName: action_name,
        sendTime: envelope.send_time,
        // The envelope is JSON by definition; its type is narrower than any JSON object.
        data: data as unknown as JsonObject,
      });
      return toResult(outcome);
    },
  };
}

function toResult(outcome: Outcome): RuleResult {
  const { trace, errorCount, errors, labelEffects } = outcome;
  const descriptions = new Map(outcome.firedRules.map((rule) => [rule.name, rule.description]));
  const verdicts = trace
    .filter((rule) => rule.fired === true)
    .map((rule) => ({
      rule: rule.name,
      description: descriptions.get(rule.name) ?? "",
      effects: labelEffects.filter((effect) => effect.rules.includes(rule.name)).map(toEffect),
      values: rule.features,
    }));
  return { verdicts, declared: outcome.verdicts, errorCount, errors, trace };
}

function toEffect({ rules: _rules, entityId, ...effect }: AppliedLabel): RuleEffect {
  return { ...effect, entityId: String(entityId) };
}

const sorted = (record: object) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

const hashOf = ({ files, labels }: RuleSet): string =>
  createHash("sha256")
    .update(JSON.stringify([sorted(files), sorted(labels)]))
    .digest("hex");
