import { isConstant, isLocal, keyOf, walk, type Assign, type Call, type Expr } from "./ast.ts";
import { argumentOf, type Parameter, type RunContext } from "./functions/definition.ts";
import { compare, operate } from "./operators.ts";
import {
  appliedLabel,
  featureType,
  toFeature,
  type Action,
  type EvaluateOptions,
  type EvaluationError,
  type FiredRule,
  type Outcome,
  type RuleTrace,
} from "./outcome.ts";
import { ENTRY, type Program } from "./program.ts";
import { parseTime } from "./timestamp.ts";
import type { Type } from "./types.ts";
import {
  Failure,
  fail,
  isTruthy,
  toText,
  unwrap,
  type Effect,
  type RuleValue,
  type Value,
} from "./values.ts";

const MAX_ERRORS = 50;

/**
 * Runs the rules over one event. Every expression gives a value or fails; a failure makes what depends on it fail
 * too, and is counted once, where it began. Throws only on an action id or a send time that is none.
 */
export function evaluate(program: Program, action: Action, options: EvaluateOptions = {}): Outcome {
  const microseconds = parseTime(action.sendTime);
  if (microseconds === undefined) throw new RangeError(`not an ISO 8601 time: ${action.sendTime}`);
  const facts = { id: BigInt(action.actionId), name: action.actionName, data: action.data, microseconds };
  const known = options.existingLabels ?? {};
  const evaluation = new Evaluation(program, {
    action: facts,
    labelsOf: (entity) => {
      const key = `${entity.type}/${entity.id}`;
      return Object.hasOwn(known, key) ? known[key] : undefined;
    },
  });
  evaluation.file(ENTRY);
  return evaluation.outcome();
}

type Facts = Pick<RunContext, "action" | "labelsOf">;

class Evaluation {
  private readonly program: Program;
  private readonly facts: Facts;
  private readonly found = new Map<Expr, Value | Failure>();
  private readonly variables = new Map<string, Value | Failure>();
  private readonly outputs = new Map<string, Value>();
  private readonly ran = new Set<string>();
  private readonly effects: Effect[] = [];
  private readonly rules: { assign: Assign; call: Call; value: Value | Failure }[] = [];
  private readonly errors: EvaluationError[] = [];
  private errorCount = 0;
  private ruleName = "";

  constructor(program: Program, facts: Facts) {
    this.program = program;
    this.facts = facts;
  }

  file(path: string): void {
    if (this.ran.has(path)) return;
    this.ran.add(path);
    for (const statement of this.program.files.get(path)!.statements) {
      if (statement.kind === "call") this.value(statement);
      else this.assign(statement);
    }
  }

  private assign(assign: Assign): void {
    const { value: expr, target } = assign;
    if (expr.kind === "call" && expr.function === "Rule") {
      this.ruleName = target.id;
      this.rules.push({ assign, call: expr, value: this.value(expr) });
    }
    const value = this.read(expr);
    this.variables.set(keyOf(target), value);
    const isOutput =
      assign.annotation?.name === "ExtractLiteral" || !(isLocal(target.id) || isConstant(expr));
    if (isOutput) this.outputs.set(target.id, value instanceof Failure ? null : value);
  }

  /** The value as its place wants it: an entity, a rule or a span of time may stand for something plain. */
  private read(expr: Expr): Value | Failure {
    const value = this.value(expr);
    return value instanceof Failure || !this.program.unwraps.has(expr) ? value : unwrap(value);
  }

  private value(expr: Expr): Value | Failure {
    const known = this.found.get(expr);
    if (known !== undefined) return known;
    const computed = this.compute(expr);
    const isNew = computed instanceof Failure && computed.at === undefined;
    const value = isNew ? new Failure(computed.counted, computed.reason, expr) : computed;
    if (isNew && computed.counted) this.count(expr, computed.reason);
    this.found.set(expr, value);
    return value;
  }

  private count({ span }: Expr, reason: string): void {
    this.errorCount += 1;
    if (this.errors.length < MAX_ERRORS) this.errors.push({ file: span.file, line: span.line, reason });
  }

  private compute(expr: Expr): Value | Failure {
    switch (expr.kind) {
      case "name":
        return this.variables.get(keyOf(expr))!;
      case "text":
      case "number":
      case "bool":
        return expr.value;
      case "none":
      case "attribute":
        return null;
      case "list": {
        const items = expr.items.map((item) => this.read(item));
        return items.find((item) => item instanceof Failure) ?? (items as Value[]);
      }
      case "format": {
        const parts = expr.parts.map((part) => (typeof part === "string" ? part : this.read(part)));
        return parts.find((part) => part instanceof Failure) ?? (parts as Value[]).map(toText).join("");
      }
      case "binary": {
        const [left, right] = [this.read(expr.left), this.read(expr.right)];
        if (left instanceof Failure) return left;
        return right instanceof Failure ? right : operate(expr.op, left, right);
      }
      case "unary": {
        const operand = this.read(expr.operand);
        if (operand instanceof Failure) return operand;
        if (expr.op === "not") return !isTruthy(operand);
        return typeof operand === "bigint" || typeof operand === "number"
          ? -operand
          : fail("`-` does not work on this");
      }
      case "compare":
        return this.compare(expr);
      case "bool-op": {
        const values = expr.values.map((value) => orNull(this.read(value)));
        return expr.op === "and" ? values.every(isTruthy) : values.some(isTruthy);
      }
      case "call":
        return this.call(expr);
    }
  }

  private compare(expr: Extract<Expr, { kind: "compare" }>): Value | Failure {
    const { op } = expr;
    const isEquality = op === "==" || op === "!=";
    const [leftRead, rightRead] = [this.read(expr.left), this.read(expr.right)];
    const left = isEquality || op === "in" || op === "not in" ? orNull(leftRead) : leftRead;
    const right = isEquality ? orNull(rightRead) : rightRead;
    if (left instanceof Failure) return left;
    return right instanceof Failure ? right : compare(op, left, right);
  }

  private call(call: Call): Value | Failure {
    switch (call.function) {
      case "Import":
        for (const { path } of this.program.calls.get(call)!.imports) this.file(path);
        return null;
      case "Require":
        return this.requireFile(call);
      case "Rule":
        return this.rule(call);
      case "WhenRules":
        return this.whenRules(call);
      default:
        return this.run(call);
    }
  }

  private run(call: Call): Value | Failure {
    const { definition, constants, compiled, checker } = this.program.calls.get(call)!;
    const args: Record<string, Value> = Object.fromEntries(constants);
    let failed: Failure | undefined;
    for (const [name, parameter] of Object.entries(definition.parameters)) {
      const expr = parameter.constant === undefined ? argumentOf(call, name) : undefined;
      if (expr === undefined) continue;
      const value = this.argument(expr, parameter);
      if (value instanceof Failure) failed ??= value;
      else args[name] = value;
    }
    return failed ?? definition.run!(args, { ...this.facts, call, compiled, checker });
  }

  private argument(expr: Expr, parameter: Parameter): Value | Failure {
    const read = this.read(expr);
    const value = parameter.nullable === true ? orNull(read) : read;
    if (value instanceof Failure || isA(value, parameter.type)) return value;
    return fail("an argument has another type than it should");
  }

  private requireFile(call: Call): Value | Failure {
    const path = this.read(argumentOf(call, "rule")!);
    const condition = argumentOf(call, "require_if");
    const wanted = condition === undefined ? true : this.read(condition);
    if (path instanceof Failure) return path;
    if (wanted instanceof Failure) return wanted;
    if (typeof path === "string" && wanted === true && this.program.files.has(path)) this.file(path);
    return null;
  }

  private rule(call: Call): Value | Failure {
    const name = this.ruleName;
    const conditions = this.read(argumentOf(call, "when_all")!);
    const description = argumentOf(call, "description")!;
    const text = this.read(description);
    if (conditions instanceof Failure) return conditions;
    if (text instanceof Failure) return text;
    const parts =
      description.kind === "format" ? description.parts.filter((part) => typeof part !== "string") : [];
    const values = parts.map((part) => [part.id, toText(this.read(part) as Value)] as const);
    return {
      kind: "rule",
      name,
      fired: Array.isArray(conditions) && conditions.every(isTruthy),
      template: description.kind === "format" ? description.template : toText(text),
      values: Object.fromEntries(values),
    };
  }

  /** Rules and effects that failed are left out one by one; all rules that hold are put on each effect. */
  private whenRules(call: Call): Value | Failure {
    const [rulesAny, then] = [argumentOf(call, "rules_any")!, argumentOf(call, "then")!];
    if (rulesAny.kind !== "list" || then.kind !== "list") {
      this.read(rulesAny);
      this.read(then);
      return fail("`rules_any` and `then` work only as lists written in the call");
    }
    const effects = then.items.map((item) => this.read(item));
    const rules = rulesAny.items.map((item) => this.read(item)).filter((rule) => isA(rule, { t: "rule" }));
    const passing = (rules as RuleValue[]).filter((rule) => rule.fired);
    if (passing.length === 0) return null;
    for (const effect of effects) {
      if (!isA(effect, { t: "effect" })) continue;
      (effect as Effect).rules.push(...passing);
      this.effects.push(effect as Effect);
    }
    return null;
  }

  outcome(): Outcome {
    const outputs = [...this.outputs];
    const labels = this.effects.map((effect) =>
      effect.kind === "label-effect" ? appliedLabel(effect) : undefined,
    );
    return {
      features: Object.fromEntries(outputs.map(([name, value]) => [name, toFeature(value)])),
      types: Object.fromEntries(outputs.map(([name, value]) => [name, featureType(value)])),
      errorCount: this.errorCount,
      errors: this.errors,
      labelEffects: labels.filter((label) => label !== undefined),
      verdicts: this.effects.flatMap((effect) => (effect.kind === "verdict-effect" ? [effect.verdict] : [])),
      firedRules: this.firedRules(),
      trace: this.rules.map((rule) => this.trace(rule)),
    };
  }

  private firedRules(): FiredRule[] {
    const fired = this.rules.flatMap(({ call, value }): FiredRule[] => {
      if (value instanceof Failure || !isA(value, { t: "rule" })) return [];
      const { name, template, values, fired } = value as RuleValue;
      const description = toText(this.read(argumentOf(call, "description")!) as Value);
      return fired ? [{ name, template, values, description }] : [];
    });
    return fired.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private trace({ assign, call, value }: { assign: Assign; call: Call; value: Value | Failure }): RuleTrace {
    const whenAll = argumentOf(call, "when_all")!;
    const listed = whenAll.kind === "name" ? this.program.definitions.get(keyOf(whenAll))?.value : whenAll;
    const conditions = listed?.kind === "list" ? listed.items : [whenAll];
    const { text } = this.program.files.get(call.span.file)!;
    const names = [...conditions, argumentOf(call, "description")!].flatMap((expr) => [...walk(expr)]);
    const features = names.flatMap((expr) => {
      if (expr.kind !== "name") return [];
      return [[expr.id, toFeature(orNull(this.value(expr)))] as const];
    });
    return {
      name: assign.target.id,
      file: call.span.file,
      line: assign.span.line,
      fired: value instanceof Failure ? null : (value as RuleValue).fired,
      conditions: conditions.map((expr) => {
        const result = this.read(expr);
        const shown = text.slice(expr.span.start, expr.span.end).replaceAll(/\s+/g, " ");
        return {
          text: shown,
          line: expr.span.line,
          value: result instanceof Failure ? null : isTruthy(result),
        };
      }),
      features: Object.fromEntries(features),
    };
  }
}

const orNull = (value: Value | Failure): Value => (value instanceof Failure ? null : value);

function isA(value: Value | Failure, type: Type): boolean {
  if (value instanceof Failure) return false;
  switch (type.t) {
    case "any":
      return true;
    case "union":
      return type.of.some((member) => isA(value, member));
    case "list":
      return Array.isArray(value);
    case "none":
      return value === null;
    case "str":
      return typeof value === "string";
    case "int":
      return typeof value === "bigint";
    case "float":
      return typeof value === "number" || typeof value === "bigint";
    case "bool":
      return typeof value === "boolean";
    default:
      return (
        isRecord(value) && (value.kind === type.t || (type.t === "effect" && value.kind.endsWith("-effect")))
      );
  }
}

const isRecord = (
  value: Value,
): value is Exclude<Value, null | boolean | bigint | number | string | Value[]> =>
  value !== null && typeof value === "object" && !Array.isArray(value);
