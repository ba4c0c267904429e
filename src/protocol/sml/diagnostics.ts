/** Why a set of rule files was refused, at a place a person can go to. */
export type Diagnostic<Kind extends string = DiagnosticKind> = {
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
  /** Of what is wrong, in UTF-16 units; it may go on in the next line. */
  length: number;
  kind: Kind;
  message: string;
  /** What to do about it. */
  hint: string;
};

export type DiagnosticKind =
  | "syntax"
  | "unsupported-construct"
  | "unsupported-function"
  | "unsupported-annotation"
  | "too-large"
  | "chained-comparison"
  | "positional-argument"
  | "bare-expression"
  | "fstring-not-simple"
  | "extract-literal-value"
  | "bad-annotation"
  | "duplicate-name"
  | "unknown-name"
  | "self-reference"
  | "unused-local"
  | "unknown-udf"
  | "unknown-kwarg"
  | "missing-kwarg"
  | "literal-required"
  | "bad-argument-value"
  | "bad-regex"
  | "dynamic-unannotated"
  | "dynamic-unassigned"
  | "assignment-type"
  | "argument-type"
  | "generic-type"
  | "operand-types"
  | "operand-type"
  | "nullable-comparison"
  | "nullable-operand"
  | "incompatible-comparison"
  | "fstring-type"
  | "mixed-list"
  | "untyped-empty-list"
  | "result-unused"
  | "no-result"
  | "rule-unassigned"
  | "rule-local"
  | "description-not-literal"
  | "description-not-fstring"
  | "unknown-label"
  | "unknown-label-status"
  | "label-not-valid-for-entity"
  | "import-missing"
  | "import-unsorted"
  | "import-duplicate"
  | "import-cycle"
  | "require-missing"
  | "require-not-literal"
  | "entry-missing"
  | "engine-crash";

/** A place in a file. `start` and `end` are offsets into the normalised text, for quoting the source. */
export type Span = { file: string; line: number; column: number; start: number; end: number };

export function diagnosticAt<Kind extends string>(
  span: Span,
  kind: Kind,
  message: string,
  hint = "",
): Diagnostic<Kind> {
  const { file, line, column } = span;
  return { file, line, column, length: span.end - span.start, kind, message, hint };
}

const HINTS: Partial<Record<DiagnosticKind, string>> = {
  syntax: "write it as Python does",
  "too-large": "give its parts names, and use the names",
};

/** Leaves the reading of one file at its first problem; caught in `parseFile` and nowhere else. */
export class Refusal extends Error {
  readonly diagnostic: Diagnostic;
  /** Whether it stands even if what follows cannot be split into tokens. */
  readonly final: boolean;
  /** Whether it gives way to what is wrong before it. */
  yields = false;

  constructor(span: Span, kind: DiagnosticKind, message: string, hint = "", final = kind !== "syntax") {
    super(message);
    this.diagnostic = diagnosticAt(span, kind, message, hint || HINTS[kind]);
    this.final = final;
  }
}

/** The diagnostic as a person reads it: place, message, the line with what is wrong underlined, the hint. */
export function renderDiagnostic(diagnostic: Diagnostic<string>, text: string | undefined): string {
  const { file, line, column, kind, message, hint } = diagnostic;
  const head = `${file}:${line}:${column}: ${message} [${kind}]`;
  const source = text?.split(/\r\n|\r|\n/)[line - 1];
  const quoted = source === undefined ? [] : [`  | ${source}`, `  | ${underline(diagnostic, source)}`];
  return [head, ...quoted, ...(hint === "" ? [] : [`  ${hint.replaceAll("\n", "\n  ")}`])].join("\n");
}

function underline({ column, length }: Diagnostic<string>, source: string): string {
  const before = source.slice(0, column - 1);
  const under = source.slice(column - 1, column - 1 + length).trimEnd();
  // One sign for each character that is seen, so that the line below fits the line above.
  const width = Math.max(1, Array.from(under).length);
  return `${Array.from(before, (char) => (char === "\t" ? "\t" : " ")).join("")}${"^".repeat(width)}`;
}
