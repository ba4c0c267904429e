import type { Span } from "./diagnostics.ts";

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**" | "<<" | ">>" | "|" | "^" | "&";
export type Comparator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export type Name = { kind: "name"; span: Span; id: string };
export type ListLiteral = { kind: "list"; span: Span; items: Expr[] };
export type Call = { kind: "call"; span: Span; function: string; args: Argument[] };
export type Argument = { name: string; value: Expr };
export type FormatString = {
  kind: "format";
  span: Span;
  parts: (string | Name)[];
  /** The text with `{Name}` for each name and literal braces doubled. */
  template: string;
};

/** An expression of the rules language. */
export type Expr =
  | Name
  | { kind: "text"; span: Span; value: string }
  | { kind: "number"; span: Span; value: bigint | number }
  | { kind: "bool"; span: Span; value: boolean }
  | { kind: "none"; span: Span }
  | FormatString
  | ListLiteral
  | Call
  /** Read, so that what stands beside it is judged as Osprey does; refused with the types. */
  | { kind: "attribute"; span: Span; value: Name; name: string }
  | { kind: "binary"; span: Span; op: BinaryOperator; left: Expr; right: Expr }
  | { kind: "unary"; span: Span; op: "not" | "-"; operand: Expr }
  | { kind: "compare"; span: Span; op: Comparator; left: Expr; right: Expr }
  | { kind: "bool-op"; span: Span; op: "and" | "or"; values: Expr[] };

export type Annotation = { span: Span; name: string; of: Annotation[] | null };
export type Assign = {
  kind: "assign";
  span: Span;
  target: Name;
  annotation: Annotation | null;
  value: Expr;
};
export type Statement = Assign | Call;

export type SourceFile = { path: string; text: string; statements: Statement[] };

/** A name that begins with "_" belongs to its file and is no output. */
export const isLocal = (id: string): boolean => id.startsWith("_");

/** One key per variable of the whole set of files. */
export const keyOf = (name: Name): string => (isLocal(name.id) ? `${name.span.file}/${name.id}` : name.id);

function childrenOf(expr: Expr): Expr[] {
  switch (expr.kind) {
    case "format":
      return expr.parts.filter((part) => typeof part !== "string");
    case "list":
      return expr.items;
    case "call":
      return expr.args.map((arg) => arg.value);
    case "binary":
    case "compare":
      return [expr.left, expr.right];
    case "unary":
      return [expr.operand];
    case "attribute":
      return [expr.value];
    case "bool-op":
      return expr.values;
    default:
      return [];
  }
}

/** The expression and everything in it, parents first, in source order. */
export function* walk(expr: Expr): Generator<Expr> {
  yield expr;
  for (const child of childrenOf(expr)) yield* walk(child);
}

/** Every call of a file with what it stands in: a statement, an assignment or another expression. */
export function* callsOf(file: SourceFile): Generator<{ call: Call; parent: Assign | Expr | null }> {
  for (const statement of file.statements) {
    if (statement.kind === "call") yield* callsIn(statement, null);
    else yield* callsIn(statement.value, statement);
  }
}

function* callsIn(
  expr: Expr,
  parent: Assign | Expr | null,
): Generator<{ call: Call; parent: Assign | Expr | null }> {
  if (expr.kind === "call") yield { call: expr, parent };
  for (const child of childrenOf(expr)) yield* callsIn(child, expr);
}

const LITERALS = new Set<Expr["kind"]>(["text", "number", "bool", "none", "list"]);

/** A literal, or a list of literals: usable by name, but no output. A list within a list always counts as one. */
export function isConstant(expr: Expr): boolean {
  if (expr.kind === "list") return expr.items.every((item) => LITERALS.has(item.kind));
  return LITERALS.has(expr.kind);
}
