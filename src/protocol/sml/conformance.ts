import type { DiagnosticKind } from "./diagnostics.ts";
import { compile } from "./compile.ts";
import { evaluate } from "./evaluate.ts";
import type { AppliedLabel, ExistingLabel, Feature, FeatureType, Outcome } from "./outcome.ts";
import type { LabelsConfig, Program } from "./program.ts";
import type { Json, JsonObject } from "./values.ts";

/** A set of rule files with events to judge, as recorded cases are written: one JSON object a line. */
export type ConformanceCase = {
  name: string;
  /** Path to text; `main.sml` is where rules begin. */
  files: Record<string, string>;
  /** Null: no label is configured. */
  labels_config: LabelsConfig | null;
  events: ConformanceEvent[];
  /** What stood before every event, by `EntityType/id`, then by label. */
  existing_labels?: Record<string, Record<string, ExistingLabel>>;
};

type ConformanceEvent = {
  /** Text of digits where it is beyond 2^53. */
  action_id: number | string;
  action_name: string;
  /** ISO 8601 in UTC; it is the clock. */
  send_time: string;
  data: JsonObject;
};

/** What came of one event. */
export type ConformanceOutcome = {
  features: Record<string, Feature>;
  types: Record<string, FeatureType>;
  error_count: number;
  label_effects: {
    entity_type: string;
    entity_id: string | number;
    label: string;
    status: "added" | "removed";
    expires_after_s: number | null;
    apply_if: string | null;
    rules: string[];
    delay_action_by_s?: number;
  }[];
  verdicts: string[];
  /** Sorted. */
  fired_rules: string[];
  descriptions: Record<string, { template: string; values: Record<string, string> }>;
};

/** A program that is refused; `engine-crash` has no place. */
export type ConformanceProblem = { file: string | null; line: number | null; kind: DiagnosticKind };

/** What came of a case; `error` says what about the case itself cannot be read. */
export type ConformanceResult =
  | { name: string; expect: ConformanceOutcome[] }
  | { name: string; expect_invalid: ConformanceProblem[] }
  | { name: string; error: string };

/** Most events of one case. */
const MAX_EVENTS = 100_000;

/**
 * Runs one case: every event on its own, with the labels that stood before it. `input` may be any JSON; what is no
 * case gives `error` and nothing is thrown.
 */
export function runCase(input: unknown): ConformanceResult {
  const name = isObject(input) && typeof input["name"] === "string" ? input["name"] : "";
  const one = readCase(input);
  if (typeof one === "string") return { name, error: one };
  const compiled = compile(one.files, one.labels_config);
  if (!compiled.ok) return { name, expect_invalid: problemsOf(compiled.diagnostics) };
  const expect: ConformanceOutcome[] = [];
  for (const [at, event] of one.events.entries()) {
    const outcome = judge(compiled.program, event, one.existing_labels);
    if (typeof outcome === "string") return { name, error: `events[${at}]: ${outcome}` };
    expect.push(written(outcome));
  }
  return { name, expect };
}

/** One event under rules that are compiled; text: what about the event cannot be read. `input` may be any JSON. */
export function runEvent(
  program: Program,
  input: unknown,
  existingLabels: ConformanceCase["existing_labels"] = {},
): ConformanceOutcome | string {
  const problem = EVENT(input, "event");
  if (problem !== undefined) return problem;
  const outcome = judge(program, input as ConformanceEvent, existingLabels);
  return typeof outcome === "string" ? outcome : written(outcome);
}

/** Labels that stand before an event, out of any JSON; text: what about them cannot be read. */
export function readExistingLabels(input: unknown): NonNullable<ConformanceCase["existing_labels"]> | string {
  return (
    EXISTING_LABELS(input, "existing_labels") ?? (input as NonNullable<ConformanceCase["existing_labels"]>)
  );
}

function judge(
  program: Program,
  event: ConformanceEvent,
  existingLabels: ConformanceCase["existing_labels"] = {},
): Outcome | string {
  const { action_id: actionId, action_name: actionName, send_time: sendTime, data } = event;
  try {
    return evaluate(program, { actionId: String(actionId), actionName, sendTime, data }, { existingLabels });
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function problemsOf(
  diagnostics: readonly { file: string; line: number; kind: DiagnosticKind }[],
): ConformanceProblem[] {
  // Osprey's internal errors have no place and hide everything else.
  if (diagnostics.some(({ kind }) => kind === "engine-crash"))
    return [{ file: null, line: null, kind: "engine-crash" }];
  return diagnostics
    .map(({ file, line, kind }) => ({ file, line, kind }))
    .sort((a, b) => order(a.file, b.file) || a.line - b.line || order(a.kind, b.kind));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function written(outcome: Outcome): ConformanceOutcome {
  const { features, types, errorCount, labelEffects, verdicts, firedRules } = outcome;
  const fired = firedRules.toSorted((a, b) => order(a.name, b.name));
  return {
    features,
    types,
    error_count: errorCount,
    label_effects: labelEffects.map(writtenEffect),
    verdicts,
    fired_rules: fired.map((rule) => rule.name),
    descriptions: Object.fromEntries(fired.map(({ name, template, values }) => [name, { template, values }])),
  };
}

function writtenEffect(effect: AppliedLabel): ConformanceOutcome["label_effects"][number] {
  const { entityId, delayActionByS } = effect;
  return {
    entity_type: effect.entityType,
    entity_id:
      typeof entityId === "bigint" && Number.isSafeInteger(Number(entityId))
        ? Number(entityId)
        : String(entityId),
    label: effect.label,
    status: effect.status,
    expires_after_s: effect.expiresAfterS,
    apply_if: effect.applyIf,
    rules: effect.rules,
    ...(delayActionByS === undefined ? {} : { delay_action_by_s: delayActionByS }),
  };
}

type Shape = (value: unknown, at: string) => string | undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text: Shape = (value, at) => (typeof value === "string" ? undefined : `${at} is no text`);
const textOrNull: Shape = (value, at) => (value === null ? undefined : text(value, at));
const anything: Shape = () => undefined;

const mapOf =
  (shape: Shape): Shape =>
  (value, at) => {
    if (!isObject(value)) return `${at} is no object`;
    for (const [key, item] of Object.entries(value)) {
      const problem = shape(item, `${at}[${JSON.stringify(key)}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const listOf =
  (shape: Shape, most: number): Shape =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at} is no list`;
    if (value.length > most) return `${at} has more than ${most} items`;
    return value.map((item, index) => shape(item, `${at}[${index}]`)).find((one) => one !== undefined);
  };

const record =
  (shapes: Record<string, Shape>): Shape =>
  (value, at) => {
    if (!isObject(value)) return `${at} is no object`;
    for (const [key, shape] of Object.entries(shapes)) {
      const problem = shape(value[key], `${at}.${key}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const orNull =
  (shape: Shape): Shape =>
  (value, at) =>
    value === null || value === undefined ? undefined : shape(value, at);

const actionId: Shape = (value, at) =>
  (typeof value === "number" && Number.isSafeInteger(value)) ||
  (typeof value === "string" && /^-?[0-9]{1,40}$/.test(value))
    ? undefined
    : `${at} is no whole number`;

const STATUSES = ["added", "removed", "manually_added", "manually_removed"];
const EVENT = record({ action_id: actionId, action_name: text, send_time: text, data: mapOf(anything) });
const EXISTING_LABELS = mapOf(
  mapOf(
    record({
      status: (value, at) =>
        STATUSES.includes(value as string) ? undefined : `${at} is none of ${STATUSES.join(", ")}`,
      reasons: mapOf(record({ created_at: textOrNull, expires_at: textOrNull })),
    }),
  ),
);
const CASE = record({
  name: text,
  files: mapOf(text),
  labels_config: orNull(
    mapOf(record({ valid_for: listOf(text, 1000), connotation: orNull(text), description: orNull(text) })),
  ),
  events: listOf(EVENT, MAX_EVENTS),
  existing_labels: orNull(EXISTING_LABELS),
});

function readCase(input: unknown): ConformanceCase | string {
  const problem = CASE(input, "case");
  if (problem !== undefined) return problem;
  const one = input as ConformanceCase;
  return { ...one, labels_config: one.labels_config ?? null };
}

/** Whether two results of one case agree: effects and verdicts in any order, and any refusal meets a crash of Osprey. */
export function agrees(found: ConformanceResult, recorded: object): boolean {
  if ("error" in found) return false;
  const { expect, expect_invalid: invalid } = recorded as Partial<
    Record<"expect" | "expect_invalid", Json[] | null>
  >;
  if ("expect_invalid" in found) {
    if (!Array.isArray(invalid)) return false;
    const crash = invalid.some((one) => isObject(one) && one["kind"] === "engine-crash");
    return crash || canonical(found.expect_invalid as Json) === canonical(invalid);
  }
  return Array.isArray(expect) && canonical(found.expect.map(unordered)) === canonical(expect.map(unordered));
}

/** The outcome with effects and verdicts sorted: their order is the order of scheduling and means nothing. */
function unordered(outcome: unknown): Json {
  if (!isObject(outcome)) return null;
  return {
    ...(outcome as JsonObject),
    label_effects: sortedList(outcome["label_effects"]),
    verdicts: sortedList(outcome["verdicts"]),
  };
}

const sortedList = (value: unknown): Json => (Array.isArray(value) ? value.map(canonical).sort() : null);

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => order(a, b));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}
