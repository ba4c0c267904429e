import { checkerOf, typeOf } from "./annotation.ts";
import {
  keyOf,
  type Assign,
  type Call,
  type Expr,
  type FormatString,
  type ListLiteral,
  type Name,
  type SourceFile,
} from "./ast.ts";
import { diagnosticAt, type Diagnostic, type DiagnosticKind, type Span } from "./diagnostics.ts";
import type { CheckedCall } from "./program.ts";
import { BINARY_TYPES, ORDER_TYPES, CONTAINMENT_TYPES, type Transition } from "./type-tables.ts";
import {
  ANY,
  BOOL,
  entityOf,
  fits,
  INT,
  isNullable,
  listOf,
  NONE,
  NUMBER,
  PRINTABLE,
  sameType,
  showType,
  STR,
  typeKey,
  withoutNone,
  type Type,
} from "./types.ts";

/** Checks the types of all files; also finds where a value is used as the plain value it stands for. */
export function checkTypes(
  files: ReadonlyMap<string, SourceFile>,
  calls: ReadonlyMap<Call, CheckedCall>,
): { unwraps: Set<Expr>; problems: Diagnostic[] } {
  const checker = new TypeChecker(files, calls);
  for (const file of files.values()) checker.file(file);
  return { unwraps: checker.unwraps, problems: checker.problems };
}

class TypeChecker {
  readonly unwraps = new Set<Expr>();
  readonly problems: Diagnostic[] = [];
  private readonly files: ReadonlyMap<string, SourceFile>;
  private readonly calls: ReadonlyMap<Call, CheckedCall>;
  private readonly types = new Map<string, Type>();
  private readonly found = new Map<Expr, Type>();
  private readonly seen = new Set<SourceFile>();

  constructor(files: ReadonlyMap<string, SourceFile>, calls: ReadonlyMap<Call, CheckedCall>) {
    this.files = files;
    this.calls = calls;
  }

  file(file: SourceFile): void {
    if (this.seen.has(file)) return;
    this.seen.add(file);
    for (const statement of file.statements) {
      if (statement.kind === "call") this.typeOf(statement);
      else this.assign(statement);
    }
  }

  private assign(assign: Assign): void {
    const { value, annotation } = assign;
    if (value.kind === "list" && value.items.length === 0 && annotation === null) {
      this.report(
        assign.span,
        "untyped-empty-list",
        "an empty list needs a type",
        `write \`${assign.target.id}: List[str] = []\``,
      );
    }
    let stored = this.typeOf(value);
    if (annotation !== null) {
      const checker = checkerOf(annotation);
      if ("message" in checker) this.problems.push(checker);
      else {
        const declared = typeOf(checker);
        this.require(stored, declared, value, "assignment-type", `\`${assign.target.id}\``);
        stored = declared;
      }
    }
    this.types.set(keyOf(assign.target), stored);
  }

  /** Each expression stands in one place, so its type is found once. */
  private typeOf(expr: Expr): Type {
    const known = this.found.get(expr);
    if (known !== undefined) return known;
    const type = this.infer(expr);
    this.found.set(expr, type);
    return type;
  }

  private infer(expr: Expr): Type {
    switch (expr.kind) {
      case "name":
        return this.types.get(keyOf(expr)) ?? ANY;
      case "text":
        return STR;
      case "number":
        return typeof expr.value === "bigint" ? INT : { t: "float" };
      case "bool":
        return BOOL;
      case "none":
        return NONE;
      case "list":
        return this.list(expr);
      case "format":
        return this.format(expr);
      case "call":
        return this.call(expr);
      case "binary":
        return this.pair(expr, expr.op, expr.left, expr.right, BINARY_TYPES[expr.op]);
      case "unary":
        return this.unary(expr);
      case "compare":
        return this.comparison(expr);
      case "bool-op":
        return this.booleans(expr);
      case "attribute":
        this.report(
          expr.span,
          "engine-crash",
          "attributes are not in the rules language",
          "write a plain name",
        );
        return ANY;
    }
  }

  private list(list: ListLiteral): Type {
    const types = new Map(list.items.map((item) => this.typeOf(item)).map((type) => [typeKey(type), type]));
    if (types.size === 1) return listOf([...types.values()][0]!);
    if (types.size > 1) {
      const found = [...types.values()].map(showType).sort().join(", ");
      this.report(list.span, "mixed-list", "a list holds items of one type", `this one holds ${found}`);
    }
    return listOf(ANY);
  }

  private format(format: FormatString): Type {
    for (const part of format.parts) {
      if (typeof part !== "string")
        this.require(this.typeOf(part), PRINTABLE, part, "fstring-type", "a format string");
    }
    return STR;
  }

  private unary(expr: Extract<Expr, { kind: "unary" }>): Type {
    const operand = this.typeOf(expr.operand);
    if (expr.op === "not") {
      const fit = fits(operand, BOOL);
      if (fit === "unwrapped") this.unwraps.add(expr.operand);
      if (fit === "no") this.mismatch(expr.span, "operand-type", "`not`", operand, BOOL);
      return BOOL;
    }
    // A span or an int entity passes here and fails when it runs, as in Osprey.
    if (fits(operand, NUMBER) === "no") this.mismatch(expr.span, "operand-type", "`-`", operand, NUMBER);
    return operand;
  }

  private comparison(expr: Extract<Expr, { kind: "compare" }>): Type {
    if (expr.op === "==" || expr.op === "!=") {
      this.equality(expr, this.typeOf(expr.left), this.typeOf(expr.right));
      return BOOL;
    }
    if (expr.op !== "in" && expr.op !== "not in") {
      return this.pair(expr, expr.op, expr.left, expr.right, ORDER_TYPES, "nullable-comparison");
    }
    const result = this.pair(expr, expr.op, expr.left, expr.right, CONTAINMENT_TYPES);
    const right = this.typeOf(expr.right);
    if (result.t === "bool" && right.t === "list") this.membership(expr, this.typeOf(expr.left), right.of);
    return result;
  }

  private equality(expr: Extract<Expr, { kind: "compare" }>, left: Type, right: Type): void {
    if (left.t === "none" || right.t === "none") return;
    const [leftFits, rightFits] = [fits(left, right), fits(right, left)];
    if (leftFits === "no" && rightFits === "no") {
      const hint = `${showType(left)} and ${showType(right)} are never equal`;
      this.report(expr.span, "incompatible-comparison", "the two sides have different types", hint);
    } else if (leftFits !== "as-is" && rightFits !== "as-is") {
      this.unwraps.add(leftFits === "unwrapped" ? expr.left : expr.right);
    }
  }

  private membership(expr: Extract<Expr, { kind: "compare" }>, left: Type, item: Type): void {
    const leftFits = fits(left, item);
    const itemFits = fits(item, left, false);
    if (leftFits === "no" && itemFits === "no") {
      const hint = `${showType(left)} is never in ${showType(listOf(item))}`;
      this.report(expr.span, "incompatible-comparison", "the item and the list have different types", hint);
    } else if (leftFits === "unwrapped" && itemFits === "no") this.unwraps.add(expr.left);
  }

  /** An operation of two operands, by a table of what it takes. */
  private pair(
    expr: Expr,
    op: string,
    left: Expr,
    right: Expr,
    table: readonly Transition[],
    nullable: DiagnosticKind = "nullable-operand",
  ): Type {
    const [leftType, rightType] = [this.typeOf(left), this.typeOf(right)];
    const mayBeAny = table === ORDER_TYPES || table === CONTAINMENT_TYPES;
    if (mayBeAny || (leftType.t !== "any" && rightType.t !== "any")) {
      for (const transition of table) {
        const [leftFit, rightFit] = [fits(leftType, transition.left), fits(rightType, transition.right)];
        if (leftFit === "no" || rightFit === "no") continue;
        if (leftFit === "unwrapped") this.unwraps.add(left);
        if (rightFit === "unwrapped") this.unwraps.add(right);
        return transition.result;
      }
    }
    const types = `${showType(leftType)} ${op} ${showType(rightType)}`;
    if (isNullable(leftType) || isNullable(rightType)) {
      const hint = `test it first, in the same chain: \`X != None and X ${op} ...\``;
      this.report(expr.span, nullable, `an operand of \`${op}\` may be missing (${types})`, hint);
    } else
      this.report(
        expr.span,
        "operand-types",
        `\`${op}\` does not take these types`,
        `there is no \`${types}\``,
      );
    return ANY;
  }

  /** A test against None narrows the operands after it: `!=` within `and`, `==` within `or`. */
  private booleans(expr: Extract<Expr, { kind: "bool-op" }>): Type {
    const narrowed = new Map<string, Type>();
    for (const value of expr.values) {
      const before = new Map([...narrowed.keys()].map((key) => [key, this.types.get(key)!]));
      for (const [key, type] of narrowed) this.types.set(key, type);
      this.require(this.typeOf(value), BOOL, value, "operand-type", `\`${expr.op}\``);
      const tested =
        value.kind === "compare" && value.op === (expr.op === "and" ? "!=" : "==") ? testedName(value) : null;
      if (tested !== null) {
        const type = this.types.get(keyOf(tested));
        if (type !== undefined && isNullable(type)) narrowed.set(keyOf(tested), withoutNone(type));
      }
      for (const [key, type] of before) this.types.set(key, type);
    }
    return BOOL;
  }

  private call(call: Call): Type {
    const checked = this.calls.get(call)!;
    for (const { path } of checked.imports) this.file(this.files.get(path)!);
    const { parameters, returns } = checked.definition;
    let resolved: Type | undefined;
    for (const { name, value } of call.args) {
      const type = this.typeOf(value);
      const parameter = parameters[name];
      if (parameter === undefined) {
        const hint = `it has: ${Object.keys(parameters).join(", ") || "none"}`;
        this.report(value.span, "engine-crash", `\`${call.function}\` has no argument \`${name}\``, hint);
        continue;
      }
      if (parameter.generic !== true) {
        this.require(type, parameter.type, value, "argument-type", `\`${name}\` of \`${call.function}\``);
        continue;
      }
      if (parameter.nullable === true && type.t === "entity") {
        const hint = "Osprey would take it for its id and then treat it as neither: use the entity itself";
        this.report(value.span, "unsupported-function", `\`${call.function}\` takes no entity here`, hint);
        continue;
      }
      const next = parameter.nullable === true ? genericOf(type) : type;
      if (next === undefined) continue;
      if (resolved === undefined || sameType(resolved, next)) resolved = next;
      else this.mismatch(value.span, "generic-type", `\`${name}\` of \`${call.function}\``, next, resolved);
    }
    if (returns === "nothing") return NONE;
    if (returns === "annotated" || returns === "annotated-entity") return typeOf(checked.checker!);
    if (returns !== "generic" && returns !== "generic-entity") return returns;
    if (resolved === undefined) {
      const hint = "give it a value that has a type";
      this.report(call.span, "engine-crash", `the type of \`${call.function}\` cannot be told`, hint);
      return ANY;
    }
    return returns === "generic" ? resolved : entityOf(resolved);
  }

  private require(type: Type, accepted: Type, expr: Expr, kind: DiagnosticKind, what: string): void {
    const fit = fits(type, accepted);
    if (fit === "unwrapped") this.unwraps.add(expr);
    if (fit === "no") this.mismatch(expr.span, kind, what, type, accepted);
  }

  private mismatch(span: Span, kind: DiagnosticKind, what: string, type: Type, accepted: Type): void {
    this.report(
      span,
      kind,
      `${what} takes ${showType(accepted)}, not ${showType(type)}`,
      hintFor(type, accepted),
    );
  }

  private report(span: Span, kind: DiagnosticKind, message: string, hint = ""): void {
    this.problems.push(diagnosticAt(span, kind, message, hint));
  }
}

/** What to write where a value of another type stands. */
function hintFor(type: Type, accepted: Type): string {
  if (isNullable(type) && fits(withoutNone(type), accepted) !== "no")
    return "give a default: `ResolveOptional(optional_value=..., default_value=...)`";
  if (accepted.t === "bool") return "write a comparison, such as `Name == 1` or `Name != None`";
  if (accepted.t === "str" && fits(type, PRINTABLE) !== "no") return 'write it as text: `f"{Name}"`';
  if (type.t === "list") return "take one item of it with `ListRead`, or its length with `ListLength`";
  return `give a value of the type ${showType(accepted)}`;
}

function testedName(expr: Extract<Expr, { kind: "compare" }>): Name | null {
  if (expr.left.kind === "none" && expr.right.kind === "name") return expr.right;
  return expr.right.kind === "none" && expr.left.kind === "name" ? expr.left : null;
}

/** What an optional argument says about the type without None; nothing for None itself. */
function genericOf(type: Type): Type | undefined {
  return type.t === "none" ? undefined : withoutNone(type);
}
