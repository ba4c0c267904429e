import type { Checker } from "../annotation.ts";
import type { Call, Expr } from "../ast.ts";
import type { DiagnosticKind, Span } from "../diagnostics.ts";
import type { Type } from "../types.ts";
import type { Entity, Failure, JsonObject, TimeSpan, Value } from "../values.ts";

/** What a literal argument may be; it is read once, when the rules are compiled. */
export type ConstantKind = "str" | "int" | "bool" | "str-list";
export type Constant = string | bigint | number | boolean | string[];

export type Parameter = {
  type: Type;
  constant?: ConstantKind;
  /** May be left out. */
  optional?: true;
  /** A failed or missing value arrives as `null` instead of failing the call. */
  nullable?: true;
  /** Its type decides what the function returns. */
  generic?: true;
};

type Returns =
  | Type
  /** A statement: its result cannot be used. */
  | "nothing"
  /** The annotation of the assignment says what comes out. */
  | "annotated"
  | "annotated-entity"
  | "generic"
  | "generic-entity";

/** What a literal argument became when the rules were compiled: a path, a pattern. */
export type Compiled = unknown;

export type CheckContext = {
  call: Call;
  constants: ReadonlyMap<string, Constant>;
  /** Where a constant stands, for a diagnostic about it. */
  spanOf: (parameter: string) => Span;
  labels: ReadonlySet<string>;
  report: (span: Span, kind: DiagnosticKind, message: string, hint?: string) => void;
};

export type Arguments = Readonly<Record<string, Value>>;

export type RunContext = {
  call: Call;
  compiled: Compiled;
  /** The annotation of the assignment, for functions that return what it says. */
  checker: Checker | undefined;
  action: { id: bigint; name: string; data: JsonObject; microseconds: bigint };
  labelsOf: (entity: Entity) => Readonly<Record<string, ExistingLabel>> | undefined;
  budget: {
    /** Takes steps; false when there are none left. */
    spend(steps: number): boolean;
  };
};

/** What is known of a label on an entity before the event. */
export type ExistingLabel = {
  status: "added" | "removed" | "manually_added" | "manually_removed";
  /** Times as ISO 8601 in UTC. */
  reasons: Record<string, { created_at: string | null; expires_at: string | null }>;
};

export type FunctionDefinition = {
  parameters: Readonly<Record<string, Parameter>>;
  returns: Returns;
  /** Steps that a call takes, besides those for the length of its arguments; 1 unless told. */
  cost?: number;
  check?: (context: CheckContext) => Compiled;
  /** Absent where the evaluator itself does the work: it concerns files, rules or effects. */
  run?: (args: Arguments, context: RunContext) => Value | Failure;
};

export type FunctionTable = Readonly<Record<string, FunctionDefinition>>;

/** Reads arguments that the evaluator has checked against the parameters. */
export const text = (args: Arguments, name: string): string => args[name] as string;
export const int = (args: Arguments, name: string): bigint => args[name] as bigint;
export const flag = (args: Arguments, name: string): boolean => args[name] === true;
export const list = (args: Arguments, name: string): Value[] => args[name] as Value[];
export const entity = (args: Arguments, name: string): Entity => args[name] as Entity;
export const span = (args: Arguments, name: string): TimeSpan => args[name] as TimeSpan;

export const argumentOf = (call: Call, name: string): Expr | undefined =>
  call.args.findLast((argument) => argument.name === name)?.value;
