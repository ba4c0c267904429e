import { Refusal, type Span } from "./diagnostics.ts";

/** What Python's own parser would give, as far as it matters for telling rules from other Python. */
export type PyExpr = { span: Span } & (
  | { kind: "name"; id: string }
  | { kind: "text"; value: string }
  | { kind: "number"; value: bigint | number }
  | { kind: "bool"; value: boolean }
  | { kind: "none" }
  | { kind: "format"; parts: (string | PyField)[] }
  | { kind: "list"; items: PyExpr[] }
  | { kind: "call"; func: PyExpr; positional: number; keywords: PyKeyword[] }
  | { kind: "binary"; op: string; left: PyExpr; right: PyExpr }
  | { kind: "unary"; op: string; operand: PyExpr }
  | { kind: "compare"; left: PyExpr; ops: string[]; rights: PyExpr[] }
  | { kind: "bool-op"; op: "and" | "or"; values: PyExpr[] }
  | { kind: "attribute"; value: PyExpr; name: string }
  | { kind: "subscript"; value: PyExpr; index: PyExpr }
  | { kind: "tuple"; items: PyExpr[] }
  /** Python that no rule may use; `what` names it. */
  | { kind: "other"; what: string }
);

export type PyField = { span: Span; expr: PyExpr; plain: boolean };
export type PyKeyword = { name: string | null; value: PyExpr };

export type PyStatement = { span: Span } & (
  | { kind: "assign"; targets: PyExpr[]; value: PyExpr }
  | { kind: "annotated"; target: PyExpr; parenthesised: boolean; annotation: PyExpr; value: PyExpr | null }
  | { kind: "expression"; value: PyExpr }
  | { kind: "other"; what: string }
);

const TARGETS = new Set<PyExpr["kind"]>(["name", "attribute", "subscript"]);

/** Refuses what nothing can be assigned to. */
export function checkTarget(target: PyExpr): void {
  if (target.kind === "tuple" || target.kind === "list") for (const item of target.items) checkTarget(item);
  else if (!TARGETS.has(target.kind) && !(target.kind === "other" && target.what === "a starred expression"))
    throw new Refusal(target.span, "syntax", "nothing can be assigned to this", "write `Name = value`");
}
