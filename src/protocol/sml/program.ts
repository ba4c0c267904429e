import type { Checker } from "./annotation.ts";
import type { Assign, Call, Expr, SourceFile } from "./ast.ts";
import type { Span } from "./diagnostics.ts";
import type { Compiled, Constant, FunctionDefinition } from "./functions/definition.ts";

/** What a label may be put on, and what it says; the key is the label's name. */
export type LabelsConfig = Record<string, { valid_for: string[]; connotation: string; description: string }>;

/** A call whose function, arguments and literals are known to be right. */
export type CheckedCall = {
  definition: FunctionDefinition;
  constants: ReadonlyMap<string, Constant>;
  constantSpans: ReadonlyMap<string, Span>;
  compiled: Compiled;
  checker?: Checker;
  /** The files that an `Import` names, in order, with the place of each. */
  imports: { path: string; span: Span }[];
};

/** A set of rule files that may run. Made by `compile` only. */
export type Program = {
  files: ReadonlyMap<string, SourceFile>;
  /** By `keyOf` the name. */
  definitions: ReadonlyMap<string, Assign>;
  calls: ReadonlyMap<Call, CheckedCall>;
  /** Where an entity, a rule or a span of time is used as the plain value it stands for. */
  unwraps: ReadonlySet<Expr>;
};

export const ENTRY = "main.sml";
