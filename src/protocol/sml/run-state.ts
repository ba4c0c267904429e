import type { Expr } from "./ast.ts";
import type { RunContext } from "./functions/definition.ts";
import type { EvaluationError } from "./outcome.ts";
import type { Plan } from "./program.ts";
import { Failure, type Effect, type RuleValue, type Value } from "./values.ts";

export type Result = Value | Failure;
/** An expression, made ready to run. */
export type Run = (state: RunState) => Result;

/** What became of a rule: its outcome and that of each of its conditions. */
export type RuleRun = { rule: number; result: Result; conditions: Result[] | undefined };

/** How much work the rules may do: steps are evaluations of nodes, and more for long texts and lists. */
export type Budget = { perEvent: number; perRule: number };

export const BUDGET: Budget = { perEvent: 1_000_000, perRule: 100_000 };

const MAX_ERRORS = 50;

/** What a node gives that has no steps left; the assignment around it turns it into one error. */
const OVER = new Failure(false, "too much work", {
  kind: "none",
  span: { file: "", line: 0, column: 0, start: 0, end: 0 },
});

type Facts = Pick<RunContext, "action" | "labelsOf">;

/** The evaluation of one event: values by slot, effects, errors, and the steps taken. */
export class RunState {
  readonly action: Facts["action"];
  readonly labelsOf: Facts["labelsOf"];
  readonly slots: (Result | undefined)[];
  readonly ran: boolean[];
  /** Slots that are given out, in the order in which they were filled. */
  readonly outputs: number[] = [];
  readonly effects: Effect[] = [];
  readonly rules: RuleRun[] = [];
  readonly errors: EvaluationError[] = [];
  /** Assignments and statements that were stopped. */
  readonly exceeded: string[] = [];
  /** What may wait does, and its steps are taken beforehand. */
  readonly isDeferring: boolean;
  errorCount = 0;
  quiet = false;
  steps = 0;
  stop: number;
  private readonly budget: Budget;

  constructor(facts: Facts, { empty, deferred }: Plan, budget: Budget, isDeferring: boolean) {
    this.action = facts.action;
    this.labelsOf = facts.labelsOf;
    this.slots = empty.slots.slice();
    this.ran = empty.files.slice();
    this.budget = budget;
    this.stop = budget.perEvent;
    this.isDeferring = isDeferring;
    if (isDeferring) this.steps = deferred.cost;
  }

  /** Takes steps; false when there are none left. */
  spend(steps: number): boolean {
    this.steps += steps;
    return this.steps <= this.stop;
  }

  over(): Failure {
    return OVER;
  }

  /** Begins an assignment or a statement with a budget of its own; gives what was left of the one around it. */
  begin(): number {
    const left = this.stop - this.steps;
    this.stop = Math.min(this.steps + this.budget.perRule, this.budget.perEvent);
    return left;
  }

  /** Ends it: one error, with its name, if it took too many steps. */
  end(left: number, result: Result, expr: Expr, name: string): Result {
    const isOver = this.steps > this.stop;
    if (isOver) this.steps = this.stop;
    this.stop = Math.min(this.steps + left, this.budget.perEvent);
    if (!isOver) return result;
    if (!this.quiet) this.exceeded.push(name);
    return this.located(new Failure(true, `\`${name}\` takes too much work`), expr);
  }

  /** A failure that begins here gets its place and is counted. */
  located(failure: Failure, expr: Expr): Failure {
    if (failure.at !== undefined) return failure;
    if (failure.counted && !this.quiet) {
      this.errorCount += 1;
      const { file, line } = expr.span;
      if (this.errors.length < MAX_ERRORS) this.errors.push({ file, line, reason: failure.reason });
    }
    return new Failure(failure.counted, failure.reason, expr);
  }
}

export const orNull = (result: Result): Value => (result instanceof Failure ? null : result);

/** The rule that an effect was put on, or nothing for what is none. */
export const asRule = (result: Result): RuleValue | undefined =>
  isRecord(result) && result.kind === "rule" ? result : undefined;

export const asEffect = (result: Result): Effect | undefined =>
  isRecord(result) && (result.kind === "label-effect" || result.kind === "verdict-effect")
    ? result
    : undefined;

export const isRecord = (
  value: Result,
): value is Exclude<Value, null | boolean | bigint | number | string | Value[]> =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Failure);

/** Steps for what is as long as this. */
export function sizeOf(value: Value): number {
  if (typeof value === "string") return value.length >> 6;
  return Array.isArray(value) ? value.length : 0;
}
