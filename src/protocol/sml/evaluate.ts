import type { RunContext } from "./functions/definition.ts";
import {
  appliedLabel,
  featureType,
  toFeature,
  type Action,
  type EvaluateOptions,
  type Feature,
  type FiredRule,
  type Outcome,
  type RuleTrace,
} from "./outcome.ts";
import { ENTRY, type LinkedRule, type Program } from "./program.ts";
import { asRule, BUDGET, orNull, RunState, type Budget, type Result, type RuleRun } from "./run-state.ts";
import { parseTime } from "./timestamp.ts";
import { Failure, isTruthy, toText, type Value } from "./values.ts";

const NO_LABELS: NonNullable<EvaluateOptions["existingLabels"]> = {};

/**
 * Runs the rules over one event. Every expression gives a value or fails; a failure makes what depends on it fail
 * too, and is counted once, where it began. A rule that takes more work than the budget allows fails, by name, and
 * leaves the others alone. Throws only on an action id or a send time that is none.
 */
export function evaluate(program: Program, action: Action, options: EvaluateOptions = {}): Outcome {
  const microseconds = parseTime(action.sendTime);
  if (microseconds === undefined) throw new RangeError(`not an ISO 8601 time: ${action.sendTime}`);
  const facts = { id: idOf(action.actionId), name: action.actionName, data: action.data, microseconds };
  const known = options.existingLabels ?? NO_LABELS;
  const labelsOf: Facts["labelsOf"] = (entity) => {
    const key = `${entity.type}/${entity.id}`;
    return Object.hasOwn(known, key) ? known[key] : undefined;
  };
  const budget = options.budget === undefined ? BUDGET : { ...BUDGET, ...options.budget };
  const run = { program, facts: { action: facts, labelsOf }, budget };
  return outcomeOf(run, whatFollows(run));
}

type Facts = Pick<RunContext, "action" | "labelsOf">;
type Evaluation = { program: Program; facts: Facts; budget: Budget };

/** Evaluates only what can err or have an effect, if the rest can be told apart, and there is enough budget for all. */
function whatFollows(run: Evaluation): RunState {
  const { program, facts, budget } = run;
  const { cost, isShaped } = program.plan.deferred;
  if (cost > budget.perRule || !isShaped(facts.action.data)) return runAll(run, false);
  const state = runAll(run, true);
  return state.exceeded.length > 0 || state.steps >= budget.perEvent ? runAll(run, false) : state;
}

function runAll({ program: { plan }, facts, budget }: Evaluation, isDeferring: boolean): RunState {
  const state = new RunState(facts, plan, budget, isDeferring);
  plan.files[plan.fileOf.get(ENTRY)!]!(state);
  return state;
}

function idOf(id: bigint | string): bigint {
  if (typeof id === "bigint") return id;
  if (!/^\s*[+-]?\d{1,100}\s*$/.test(id)) throw new RangeError(`not an action id: ${id.slice(0, 100)}`);
  return BigInt(id);
}

/** The parts that many readers leave alone are made when they are first asked for. */
function outcomeOf(run: Evaluation, state: RunState): Outcome {
  const { program } = run;
  const { errorCount, errors, exceeded, effects } = state;
  let all = state.isDeferring ? undefined : state;
  const complete = () => {
    all ??= runAll(run, false);
    // What a trace reads again was counted already.
    all.quiet = true;
    return all;
  };
  const outputs = () => {
    const { outputs: slots, slots: values } = complete();
    return slots.map((slot) => [program.plan.slots[slot]!.name, orNull(values[slot]!)] as const);
  };
  let features: Outcome["features"] | undefined;
  let types: Outcome["types"] | undefined;
  let trace: Outcome["trace"] | undefined;
  const firedRules = firedOf(program, state);
  return {
    get features() {
      return (features ??= Object.fromEntries(outputs().map(([name, value]) => [name, toFeature(value)])));
    },
    get types() {
      return (types ??= Object.fromEntries(outputs().map(([name, value]) => [name, featureType(value)])));
    },
    errorCount,
    errors,
    exceeded,
    labelEffects: effects.flatMap((effect) =>
      effect.kind === "label-effect" ? (appliedLabel(effect) ?? []) : [],
    ),
    verdicts: effects.flatMap((effect) => (effect.kind === "verdict-effect" ? [effect.verdict] : [])),
    firedRules,
    get trace() {
      return (trace ??= complete().rules.map((one) => traceOf(program, complete(), one)));
    },
  };
}

function firedOf({ plan }: Program, state: RunState): FiredRule[] {
  const fired: FiredRule[] = [];
  for (const { rule, result } of state.rules) {
    const value = asRule(result);
    if (value?.fired !== true) continue;
    const description = toText(plan.rules[rule]!.readText(state) as Value);
    fired.push({ name: value.name, template: value.template, values: value.values, description });
  }
  return fired.sort((a, b) => (a.name < b.name ? -1 : 1));
}

type Shown = { text: string; line: number }[];

const shown = new WeakMap<LinkedRule, Shown>();

/** The conditions of a rule as they are written. */
function shownOf({ files }: Program, rule: LinkedRule): Shown {
  const known = shown.get(rule);
  if (known !== undefined) return known;
  const { text } = files.get(rule.call.span.file)!;
  const made = rule.items.map(({ span }) => ({
    text: text.slice(span.start, span.end).replaceAll(/\s+/g, " "),
    line: span.line,
  }));
  shown.set(rule, made);
  return made;
}

function traceOf(program: Program, state: RunState, { rule, result, conditions }: RuleRun): RuleTrace {
  const linked = program.plan.rules[rule]!;
  const results: Result[] = conditions ?? linked.readItems.map((read) => read(state));
  const features: Record<string, Feature> = {};
  for (const [name, slot] of linked.names) features[name] = toFeature(orNull(state.slots[slot] ?? null));
  return {
    name: linked.assign.target.id,
    file: linked.call.span.file,
    line: linked.assign.span.line,
    fired: asRule(result)?.fired ?? null,
    conditions: shownOf(program, linked).map(({ text, line }, at) => {
      const value = results[at]!;
      return { text, line, value: value instanceof Failure ? null : isTruthy(value) };
    }),
    features,
  };
}
