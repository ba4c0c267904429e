import type { Call, Expr } from "./ast.ts";
import { argumentOf, type Parameter, type RunContext } from "./functions/definition.ts";
import type { CheckedCall } from "./program.ts";
import { isRecord, orNull, sizeOf, type Result, type Run } from "./run-state.ts";
import type { Type } from "./types.ts";
import { Failure, fail, missing, type Value } from "./values.ts";

type LinkedArgument = { name: string; read: Run; nullable: boolean; isA: (value: Result) => boolean };

/** A call of a function of the standard library, with its literal arguments in place. */
export function linkCall(call: Call, checked: CheckedCall, link: (expr: Expr) => Run): Run {
  const { definition, constants, compiled, checker } = checked;
  const base: Record<string, Value> = Object.fromEntries(constants);
  const args: LinkedArgument[] = [];
  for (const [name, parameter] of Object.entries(definition.parameters)) {
    const expr = parameter.constant === undefined ? argumentOf(call, name) : undefined;
    if (expr === undefined) continue;
    const argument = linkArgument(name, expr, parameter, link);
    if (isScalar(expr) && argument.isA(expr.value)) base[name] = expr.value;
    else args.push(argument);
  }
  if (call.function === "ResolveOptional" && args.length === 1 && args[0]!.name === "optional_value") {
    return linkDefault(call, args[0]!.read, base);
  }
  const run = definition.run!;
  const cost = definition.cost ?? 1;
  // One for all events: a function is done with it when it returns.
  const context = { call, compiled, checker } as Writable<RunContext>;
  return (state) => {
    let values = base;
    let steps = cost;
    if (args.length > 0) {
      values = { ...base };
      let failed: Failure | undefined;
      for (const { name, read, nullable, isA } of args) {
        const found = read(state);
        const value = nullable ? orNull(found) : found;
        if (value instanceof Failure) failed ??= value;
        else if (isA(value)) {
          steps += sizeOf(value);
          values[name] = value;
        } else failed ??= state.located(fail("an argument has another type than it should"), call);
      }
      if (failed !== undefined) return failed;
    }
    if (!state.spend(steps)) return state.over();
    context.action = state.action;
    context.labelsOf = state.labelsOf;
    context.budget = state;
    const result = run(values, context);
    if (!(result instanceof Failure)) return result;
    return state.spend(0) ? state.located(result, call) : state.over();
  };
}

/** A value with a literal to stand in for it: half of all calls in rules. */
function linkDefault(call: Call, read: Run, base: Readonly<Record<string, Value>>): Run {
  const fallback = base["default_value"] ?? null;
  const isReported = base["should_report_error"] === true;
  const reason = "the value is missing and has no default";
  return (state) => {
    const value = orNull(read(state));
    if (value !== null) return value;
    if (fallback !== null) return fallback;
    return state.located(isReported ? fail(reason) : missing(reason), call);
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const isScalar = (expr: Expr): expr is Extract<Expr, { kind: "text" | "number" | "bool" }> =>
  expr.kind === "text" || expr.kind === "number" || expr.kind === "bool";

const linkArgument = (
  name: string,
  expr: Expr,
  parameter: Parameter,
  link: (expr: Expr) => Run,
): LinkedArgument => ({
  name,
  read: link(expr),
  nullable: parameter.nullable === true,
  isA: testOf(parameter.type),
});

/** Whether a value is of a type, as far as it can be seen when rules run. */
function testOf(type: Type): (value: Result) => boolean {
  switch (type.t) {
    case "any":
      return () => true;
    case "union": {
      const tests = type.of.map(testOf);
      return (value) => tests.some((test) => test(value));
    }
    case "list":
      return (value) => Array.isArray(value);
    case "none":
      return (value) => value === null;
    case "str":
      return (value) => typeof value === "string";
    case "int":
      return (value) => typeof value === "bigint";
    case "float":
      return (value) => typeof value === "number" || typeof value === "bigint";
    case "bool":
      return (value) => typeof value === "boolean";
    case "effect":
      return (value) => isRecord(value) && value.kind.endsWith("-effect");
    default:
      return (value) => isRecord(value) && value.kind === type.t;
  }
}
