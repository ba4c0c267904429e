import {
  isConstant,
  isLocal,
  keyOf,
  type Assign,
  type Call,
  type Comparator,
  type Expr,
  type SourceFile,
} from "./ast.ts";
import { Deferral } from "./defer.ts";
import { argumentOf } from "./functions/definition.ts";
import { linkCall } from "./link-call.ts";
import { linkWhenRules } from "./link-effects.ts";
import { linkRule } from "./link-rule.ts";
import { compare, operate } from "./operators.ts";
import type { CheckedCall, LinkedRule, Plan, Program } from "./program.ts";
import { asRule, orNull, sizeOf, type Run, type RunState } from "./run-state.ts";
import { shapeOf } from "./shape.ts";
import { Failure, fail, isTruthy, toText, unwrap, type Value } from "./values.ts";

/**
 * Turns checked rule files into closures over numbered slots: one slot for each assignment, so that nothing is looked
 * up by name while rules run.
 */
export function link(program: Omit<Program, "plan">): Plan {
  return new Linker(program).plan();
}

class Linker {
  private readonly program: Omit<Program, "plan">;
  private readonly slotOf = new Map<string, number>();
  private readonly fileOf = new Map<string, number>();
  private readonly files: ((state: RunState) => void)[] = [];
  private readonly assigns: Run[] = [];
  private readonly slots: Plan["slots"] = [];
  private readonly rules: LinkedRule[] = [];
  private readonly deferral: Deferral;
  /** Of rules that may wait: whether one of that name holds. */
  private readonly holds = new Map<string, (state: RunState) => boolean>();

  constructor(program: Omit<Program, "plan">) {
    this.program = program;
    this.deferral = new Deferral(program);
  }

  plan(): Plan {
    for (const [key, assign] of this.program.definitions) {
      this.slotOf.set(key, this.slots.length);
      this.slots.push({ name: assign.target.id, isOutput: isOutput(assign) });
    }
    for (const path of this.program.files.keys()) this.fileOf.set(path, this.fileOf.size);
    for (const file of this.program.files.values()) this.files.push(this.file(file));
    const empty = { slots: this.slots.map(() => undefined), files: this.files.map(() => false as const) };
    const { cost, places } = this.deferral;
    const deferred = { cost: 3 * cost, isShaped: shapeOf(places) };
    return { slots: this.slots, files: this.files, fileOf: this.fileOf, rules: this.rules, empty, deferred };
  }

  private file(file: SourceFile): (state: RunState) => void {
    const all: Run[] = [];
    const first: Run[] = [];
    for (const one of file.statements) {
      const run = one.kind === "assign" ? this.assign(one) : this.statement(one);
      all.push(run);
      const urgent = one.kind === "assign" ? this.ofAssign(one, run) : this.ofStatement(one, run);
      if (urgent !== undefined) first.push(urgent);
    }
    const index = this.fileOf.get(file.path)!;
    return (state) => {
      if (state.ran[index] === true) return;
      state.ran[index] = true;
      for (const step of state.isDeferring ? first : all) step(state);
    };
  }

  /** What is left of an assignment where all that may wait does: a rule is evaluated if its conditions hold. */
  private ofAssign(assign: Assign, run: Run): Run | undefined {
    if (!this.deferral.assign(assign)) return run;
    if (assign.value.kind !== "call" || assign.value.function !== "Rule") return undefined;
    const conditions = this.rules.at(-1)!.readItems;
    const slot = this.slotOf.get(keyOf(assign.target))!;
    const holds = (state: RunState) => {
      if (state.slots[slot] === undefined) {
        for (const condition of conditions) {
          const found = condition(state);
          if (found instanceof Failure || !isTruthy(found)) return false;
        }
      }
      return asRule(run(state))?.fired === true;
    };
    this.holds.set(keyOf(assign.target), holds);
    return (state) => holds(state);
  }

  private ofStatement(call: Call, run: Run): Run {
    const keys = call.function === "WhenRules" ? this.deferral.whenRules(call) : undefined;
    if (keys === undefined) return run;
    return (state) => {
      for (const key of keys) if (this.holds.get(key)?.(state) !== false) return run(state);
      return null;
    };
  }

  private runFile(path: string): (state: RunState) => void {
    const index = this.fileOf.get(path)!;
    return (state) => this.files[index]!(state);
  }

  private assign(assign: Assign): Run {
    const slot = this.slotOf.get(keyOf(assign.target))!;
    const { value: expr, target } = assign;
    const read = expr.kind === "call" && expr.function === "Rule" ? this.rule(assign, expr) : this.read(expr);
    const given = this.slots[slot]!.isOutput;
    if (isLiteral(expr)) {
      const value = read(undefined as never);
      this.assigns[slot] = (state) => {
        if (given && state.slots[slot] === undefined) state.outputs.push(slot);
        return (state.slots[slot] = value);
      };
      return this.assigns[slot];
    }
    return (this.assigns[slot] = (state) => {
      const known = state.slots[slot];
      if (known !== undefined) return known;
      const left = state.begin();
      const value = state.end(left, read(state), expr, target.id);
      state.slots[slot] = value;
      if (given) state.outputs.push(slot);
      return value;
    });
  }

  private statement(call: Call): Run {
    const run = this.read(call);
    const name = `${call.function} in line ${call.span.line} of ${call.span.file}`;
    return (state) => {
      const left = state.begin();
      return state.end(left, run(state), call, name);
    };
  }

  /** The value as its place wants it: an entity, a rule or a span of time may stand for something plain. */
  private read(expr: Expr): Run {
    const run = this.run(expr);
    if (!this.program.unwraps.has(expr)) return run;
    return (state) => {
      const value = run(state);
      return value instanceof Failure ? value : unwrap(value);
    };
  }

  private run(expr: Expr): Run {
    switch (expr.kind) {
      case "name": {
        const slot = this.slotOf.get(keyOf(expr))!;
        // A file may be required from above what a file that it imports is read for: then it is filled here.
        return (state) => state.slots[slot] ?? this.assigns[slot]!(state);
      }
      case "text":
      case "number":
      case "bool": {
        const { value } = expr;
        return () => value;
      }
      case "none":
      case "attribute":
        return () => null;
      case "list":
        return this.list(expr.items);
      case "format":
        return this.format(expr);
      case "binary":
        return this.binary(expr);
      case "unary":
        return this.unary(expr);
      case "compare":
        return this.compare(expr);
      case "bool-op":
        return this.booleans(expr);
      case "call":
        return this.call(expr);
    }
  }

  private list(exprs: Expr[]): Run {
    const items = exprs.map((item) => this.read(item));
    if (exprs.every(isLiteral)) {
      const constant = items.map((item) => item(undefined as never) as Value);
      return () => constant;
    }
    return (state) => {
      const values: Value[] = [];
      let failed: Failure | undefined;
      for (const item of items) {
        const value = item(state);
        if (value instanceof Failure) failed ??= value;
        else values.push(value);
      }
      return failed ?? values;
    };
  }

  private format(expr: Extract<Expr, { kind: "format" }>): Run {
    const parts = expr.parts.map((part) => (typeof part === "string" ? part : this.read(part)));
    return (state) => {
      let text = "";
      for (const part of parts) {
        const value = typeof part === "string" ? part : part(state);
        if (value instanceof Failure) return value;
        text += toText(value);
      }
      if (!state.spend(1 + (text.length >> 6))) return state.over();
      return text.length > MAX_FORMATTED ? state.located(fail("this text is too long"), expr) : text;
    };
  }

  private binary(expr: Extract<Expr, { kind: "binary" }>): Run {
    const [left, right] = [this.read(expr.left), this.read(expr.right)];
    const { op } = expr;
    return (state) => {
      const a = left(state);
      const b = right(state);
      if (a instanceof Failure) return a;
      if (b instanceof Failure) return b;
      if (!state.spend(1)) return state.over();
      const value = operate(op, a, b);
      if (value instanceof Failure) return state.located(value, expr);
      return state.spend(sizeOf(value)) ? value : state.over();
    };
  }

  private unary(expr: Extract<Expr, { kind: "unary" }>): Run {
    const read = this.read(expr.operand);
    if (expr.op === "not") {
      return (state) => {
        const operand = read(state);
        return operand instanceof Failure ? operand : !isTruthy(operand);
      };
    }
    return (state) => {
      const operand = read(state);
      if (operand instanceof Failure) return operand;
      if (typeof operand === "bigint" || typeof operand === "number") return -operand;
      return state.located(fail("`-` does not work on this"), expr);
    };
  }

  private compare(expr: Extract<Expr, { kind: "compare" }>): Run {
    const [left, right] = [this.read(expr.left), this.read(expr.right)];
    const { op } = expr;
    const isEquality = op === "==" || op === "!=";
    const takesNone = isEquality || op === "in" || op === "not in";
    const quick = QUICK[op];
    return (state) => {
      let a = left(state);
      let b = right(state);
      if (quick !== undefined && typeof a === typeof b && typeof a !== "object") {
        return state.spend(1) ? quick(a as never, b as never) : state.over();
      }
      if (a instanceof Failure) {
        if (!takesNone) return a;
        a = null;
      }
      if (b instanceof Failure) {
        if (!isEquality) return b;
        b = null;
      }
      if (!state.spend(1 + (typeof b === "object" ? sizeOf(b) : 0))) return state.over();
      const value = compare(op, a, b);
      return value instanceof Failure ? state.located(value, expr) : value;
    };
  }

  private booleans(expr: Extract<Expr, { kind: "bool-op" }>): Run {
    const reads = expr.values.map((value) => this.read(value));
    const isAnd = expr.op === "and";
    return (state) => {
      let result = isAnd;
      for (const read of reads) {
        const truth = isTruthy(orNull(read(state)));
        result = isAnd ? result && truth : result || truth;
      }
      return result;
    };
  }

  private call(call: Call): Run {
    const checked = this.program.calls.get(call)!;
    switch (call.function) {
      case "Import":
        return this.import(checked);
      case "Require":
        return this.require(call);
      case "WhenRules":
        return linkWhenRules(call, (expr) => this.read(expr));
      default:
        return linkCall(call, checked, (expr) => this.read(expr));
    }
  }

  private import({ imports }: CheckedCall): Run {
    const files = imports.map(({ path }) => this.runFile(path));
    return (state) => {
      for (const file of files) file(state);
      return null;
    };
  }

  private require(call: Call): Run {
    const readPath = this.read(argumentOf(call, "rule")!);
    const condition = argumentOf(call, "require_if");
    const readCondition = condition === undefined ? () => true : this.read(condition);
    return (state) => {
      const path = readPath(state);
      const wanted = readCondition(state);
      if (path instanceof Failure) return path;
      if (wanted instanceof Failure) return wanted;
      const index = typeof path === "string" && wanted === true ? this.fileOf.get(path) : undefined;
      if (index !== undefined) this.files[index]!(state);
      return null;
    };
  }

  private rule(assign: Assign, call: Call): Run {
    const slotOf = (key: string) => this.slotOf.get(key)!;
    const linking = { program: this.program, read: (expr: Expr) => this.read(expr), slotOf };
    const { rule, run } = linkRule(assign, call, this.rules.length, linking);
    this.rules.push(rule);
    return run;
  }
}

/** Comparisons of two values of one plain type. */
const QUICK: Partial<Record<Comparator, (a: number, b: number) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

const MAX_FORMATTED = 1_000_000;

const isLiteral = (expr: Expr): boolean =>
  expr.kind === "list" ? expr.items.every(isLiteral) : ["text", "number", "bool", "none"].includes(expr.kind);

const isOutput = ({ annotation, target, value }: Assign): boolean =>
  annotation?.name === "ExtractLiteral" || !(isLocal(target.id) || isConstant(value));
