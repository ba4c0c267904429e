import type { Checker } from "./annotation.ts";
import type { Assign, Call, Expr, SourceFile } from "./ast.ts";
import type { Run, RunState } from "./run-state.ts";
import type { Span } from "./diagnostics.ts";
import type { Json } from "./values.ts";
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
  labels: LabelsConfig;
  /** Where an entity, a rule or a span of time is used as the plain value it stands for. */
  unwraps: ReadonlySet<Expr>;
  plan: Plan;
};

/** A rule as it runs, and what a trace shows of it. */
export type LinkedRule = {
  assign: Assign;
  call: Call;
  /** Its conditions, also those of a list that it names. */
  items: Expr[];
  readItems: Run[];
  readText: Run;
  /** What its conditions and its description name, with the slot of each. */
  names: (readonly [name: string, slot: number])[];
};

/** A program made ready to run. */
export type Plan = {
  /** One for each assignment. */
  slots: { name: string; isOutput: boolean }[];
  files: ((state: RunState) => void)[];
  fileOf: ReadonlyMap<string, number>;
  rules: LinkedRule[];
  /** What an evaluation begins with. */
  empty: { slots: readonly undefined[]; files: readonly false[] };
  /** What may wait until it is read, in events of this shape: the steps that it takes at most. */
  deferred: { cost: number; isShaped: (data: Json) => boolean };
};

export const ENTRY = "main.sml";
