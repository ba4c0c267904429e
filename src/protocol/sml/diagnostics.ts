/** Why a set of rule files was refused, at a place a person can go to. */
export type Diagnostic = {
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based, in UTF-16 units. */
  column: number;
  kind: DiagnosticKind;
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

export function diagnosticAt(span: Span, kind: DiagnosticKind, message: string, hint = ""): Diagnostic {
  return { file: span.file, line: span.line, column: span.column, kind, message, hint };
}

/** Leaves the reading of one file at its first problem; caught in `parseFile` and nowhere else. */
export class Refusal extends Error {
  readonly diagnostic: Diagnostic;
  /** Whether it stands even if what follows cannot be split into tokens. */
  readonly final: boolean;
  /** Whether it gives way to what is wrong before it. */
  yields = false;

  constructor(span: Span, kind: DiagnosticKind, message: string, hint = "", final = kind !== "syntax") {
    super(message);
    this.diagnostic = diagnosticAt(span, kind, message, hint);
    this.final = final;
  }
}

/** The diagnostic as a person reads it: place, message, the line with a caret, the hint. */
export function renderDiagnostic(diagnostic: Diagnostic, text: string | undefined): string {
  const { file, line, column, kind, message, hint } = diagnostic;
  const head = `${file}:${line}:${column}: ${message} [${kind}]`;
  const source = text?.split(/\r\n|\r|\n/)[line - 1];
  const quoted =
    source === undefined
      ? []
      : [`  | ${source}`, `  | ${source.slice(0, column - 1).replace(/[^\t]/g, " ")}^`];
  return [head, ...quoted, ...(hint === "" ? [] : [`  ${hint.replaceAll("\n", "\n  ")}`])].join("\n");
}
