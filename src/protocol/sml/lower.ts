import type {
  Annotation,
  Argument,
  BinaryOperator,
  Comparator,
  Expr,
  FormatString,
  Name,
  Statement,
} from "./ast.ts";
import { isConstant } from "./ast.ts";
import { Refusal } from "./diagnostics.ts";
import type { PyExpr, PyField, PyStatement } from "./python.ts";

const OPERATORS = new Set(["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "|", "^", "&"]);
const COMPARATORS = new Set(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]);
const SUBSET = "the rules language is a small part of Python";
const MAX_DEPTH = 200;

/** Takes what Python reads and keeps what a rule may say. Throws `Refusal`, for `parseFile` to catch. */
export function lowerStatement(statement: PyStatement): Statement {
  const { span } = statement;
  switch (statement.kind) {
    case "other":
      throw new Refusal(
        span,
        "unsupported-construct",
        `${statement.what} is not in the rules language`,
        SUBSET,
      );
    case "expression": {
      if (statement.value.kind !== "call") {
        throw new Refusal(span, "bare-expression", "this value goes nowhere", "give it a name: `Name = ...`");
      }
      const call = lower(statement.value, 0);
      if (call.kind !== "call") throw new Error("a call was read as something else");
      return call;
    }
    case "assign": {
      if (statement.targets.length > 1) {
        throw new Refusal(
          span,
          "unsupported-construct",
          "one assignment names one value",
          "write two assignments",
        );
      }
      const target = lowerTarget(statement.targets[0]!);
      return { kind: "assign", span, target, annotation: null, value: lower(statement.value, 0) };
    }
    case "annotated": {
      if (statement.parenthesised) {
        throw new Refusal(
          span,
          "unsupported-construct",
          "an annotated name stands without brackets",
          "remove them",
        );
      }
      const target = lowerTarget(statement.target);
      if (statement.value === null) {
        throw new Refusal(
          span,
          "unsupported-construct",
          "an annotation needs a value",
          "write `Name: type = value`",
        );
      }
      const value = lower(statement.value, 0);
      const annotation = lowerAnnotation(statement.annotation);
      if (annotation.name === "ExtractLiteral" && !isLiteral(value)) {
        throw new Refusal(
          value.span,
          "extract-literal-value",
          "`ExtractLiteral` takes a literal or a format string",
          "leave the annotation out: what is computed is an output anyway",
        );
      }
      return { kind: "assign", span, target, annotation, value };
    }
  }
}

const isLiteral = (value: Expr) => value.kind === "format" || value.kind === "list" || isConstant(value);

function lowerTarget(target: PyExpr): Name {
  if (target.kind === "name") return { kind: "name", span: target.span, id: target.id };
  throw new Refusal(
    target.span,
    "unsupported-construct",
    "only a name can be assigned to",
    "write `Name = value`",
  );
}

function lower(expr: PyExpr, depth: number): Expr {
  const { span } = expr;
  if (depth > MAX_DEPTH)
    throw new Refusal(span, "too-large", "this expression nests too deep", "name its parts");
  const inner = (child: PyExpr) => lower(child, depth + 1);
  switch (expr.kind) {
    case "name":
    case "text":
    case "number":
    case "bool":
    case "none":
      return expr;
    case "list":
      return { kind: "list", span, items: expr.items.map(inner) };
    case "format":
      return lowerFormat(expr.parts, span);
    case "unary": {
      const operand = inner(expr.operand);
      if (expr.op === "not" || expr.op === "-") return { kind: "unary", span, op: expr.op, operand };
      throw new Refusal(
        span,
        "unsupported-construct",
        `the sign \`${expr.op}\` is not in the rules language`,
        SUBSET,
      );
    }
    case "binary": {
      const [left, right] = [inner(expr.left), inner(expr.right)];
      if (isOneOf<BinaryOperator>(expr.op, OPERATORS))
        return { kind: "binary", span, op: expr.op, left, right };
      throw new Refusal(span, "unsupported-construct", `\`${expr.op}\` is not in the rules language`, SUBSET);
    }
    case "compare": {
      if (expr.ops.length > 1) {
        const hint = "instead of `a < b < c` write `a < b and b < c`";
        throw new Refusal(span, "chained-comparison", "one comparison compares two values", hint);
      }
      const [left, right] = [inner(expr.left), inner(expr.rights[0]!)];
      const op = expr.ops[0]!;
      if (isOneOf<Comparator>(op, COMPARATORS)) return { kind: "compare", span, op, left, right };
      const hint = "compare with `== None` or `!= None`";
      throw new Refusal(span, "unsupported-construct", `\`${op}\` is not in the rules language`, hint);
    }
    case "bool-op":
      return { kind: "bool-op", span, op: expr.op, values: expr.values.map(inner) };
    case "call":
      return lowerCall(expr, inner);
    case "attribute":
      return { kind: "attribute", span, value: lowerOwner(expr.value, inner), name: expr.name };
    case "subscript":
    case "tuple": {
      const what = expr.kind === "tuple" ? "a tuple" : "a subscript";
      throw new Refusal(span, "unsupported-construct", `${what} is not in the rules language`, SUBSET);
    }
    case "other":
      throw new Refusal(span, "unsupported-construct", `${expr.what} is not in the rules language`, SUBSET);
  }
}

const isOneOf = <T extends string>(op: string, known: Set<string>): op is T => known.has(op);

function lowerCall(call: Extract<PyExpr, { kind: "call" }>, inner: (expr: PyExpr) => Expr): Expr {
  const { span, func } = call;
  if (call.positional > 0) {
    throw new Refusal(span, "positional-argument", "every argument needs its name", "write `f(name=value)`");
  }
  const owner = func.kind === "attribute" ? lowerOwner(func.value, inner) : undefined;
  if (func.kind !== "name" && func.kind !== "attribute") {
    inner(func);
    throw new Refusal(func.span, "unsupported-construct", "functions have plain names", "write `Name(...)`");
  }
  const args: Argument[] = [];
  // Osprey drops `**` arguments unread.
  for (const { name, value } of call.keywords) if (name !== null) args.push({ name, value: inner(value) });
  const name = func.kind === "name" ? func.id : `${owner!.id}.${func.name}`;
  return { kind: "call", span, function: name, args };
}

/** What an attribute is read from: Osprey's parser takes a name, and its later stages take no attribute at all. */
function lowerOwner(value: PyExpr, inner: (expr: PyExpr) => Expr): Name {
  const owner = inner(value);
  if (owner.kind === "name") return owner;
  throw new Refusal(
    owner.span,
    "unsupported-construct",
    "attributes are not in the rules language",
    "write a plain name",
  );
}

function lowerFormat(parts: (string | PyField)[], span: FormatString["span"]): FormatString {
  const lowered: (string | Name)[] = [];
  let template = "";
  for (const part of parts) {
    if (typeof part === "string") {
      lowered.push(part);
      template += part.replaceAll("{", "{{").replaceAll("}", "}}");
      continue;
    }
    if (!part.plain || part.expr.kind !== "name") {
      const hint = "give the value a name first: `Name = ...`, then write {Name}";
      throw new Refusal(part.span, "fstring-not-simple", "a format string takes plain names only", hint);
    }
    lowered.push({ kind: "name", span: part.expr.span, id: part.expr.id });
    template += `{${part.expr.id}}`;
  }
  return { kind: "format", span, parts: lowered, template };
}

/** Reads `Name`, `None`, `Name[Name, ...]` and `a | b`, the last with the meaning Osprey gives it. */
function lowerAnnotation(expr: PyExpr): Annotation {
  const { span } = expr;
  if (expr.kind === "name") return { span, name: expr.id, of: null };
  if (expr.kind === "none") return { span, name: "None", of: null };
  if (expr.kind === "subscript" && expr.value.kind === "name") {
    const { index } = expr;
    const of = index.kind === "tuple" ? index.items.map(annotationName) : [lowerAnnotation(index)];
    return { span, name: expr.value.id, of };
  }
  if (expr.kind === "binary") {
    const left = lowerAnnotation(expr.left);
    const of = [...(left.of ?? [left]), lowerAnnotation(expr.right)];
    return { span, name: of.at(-1)!.name === "None" ? "Optional" : "Union", of };
  }
  throw badAnnotation(span);
}

function annotationName(expr: PyExpr): Annotation {
  if (expr.kind !== "name") throw badAnnotation(expr.span);
  return { span: expr.span, name: expr.id, of: null };
}

const badAnnotation = (span: PyExpr["span"]) =>
  new Refusal(
    span,
    "bad-annotation",
    "this is no type",
    "write a type such as `int`, `Optional[str]` or `List[str]`",
  );
