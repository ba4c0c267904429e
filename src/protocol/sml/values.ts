import type { Expr } from "./ast.ts";

/** JSON as an event carries it; whole numbers are ints. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type Entity = { kind: "entity"; type: string; id: string | bigint };
/** A span of time in microseconds, as exact as Python's. */
export type TimeSpan = { kind: "span"; microseconds: bigint };
export type RuleValue = {
  kind: "rule";
  name: string;
  fired: boolean;
  template: string;
  values: Record<string, string>;
};
export type LabelEffect = {
  kind: "label-effect";
  entity: Entity;
  label: string;
  status: "added" | "removed";
  expiresAfter: TimeSpan | null;
  delayActionBy: TimeSpan | null;
  applyIf: RuleValue | null;
  /** Its gate could not be evaluated, so it must not take effect. */
  suppressed: boolean;
  rules: RuleValue[];
};
type VerdictEffect = { kind: "verdict-effect"; verdict: string; rules: RuleValue[] };
export type Effect = LabelEffect | VerdictEffect;

/** A value while rules run: `bigint` is Python's int, `number` its float. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Value[]
  | Entity
  | TimeSpan
  | RuleValue
  | Effect;

/** An expression that gave no value. `counted`: it is itself the error, not the follower of another. */
export class Failure {
  readonly counted: boolean;
  readonly reason: string;
  readonly at: Expr | undefined;

  constructor(counted: boolean, reason: string, at?: Expr) {
    this.counted = counted;
    this.reason = reason;
    this.at = at;
  }
}

export const fail = (reason: string): Failure => new Failure(true, reason);
/** An outcome that rules are written to expect; it makes the value missing without being an error. */
export const missing = (reason: string): Failure => new Failure(false, reason);

/** The plain value that an entity, a rule or a span of time stands for. */
export function unwrap(value: Value): Value {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  if (value.kind === "entity") return value.id;
  if (value.kind === "span") return toSeconds(value);
  return value.kind === "rule" ? value.fired : value;
}

export const toSeconds = (span: TimeSpan): number => Number(span.microseconds) / 1e6;

/** The value as Python's `str` writes it. */
export function toText(value: Value): string {
  if (typeof value === "string") return value;
  if (value !== null && typeof value === "object" && !Array.isArray(value) && value.kind === "entity") {
    return `${value.type}/${value.id}`;
  }
  return represent(value);
}

/** The value as Python's `repr` writes it. */
function represent(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return floatText(value);
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(represent).join(", ")}]`;
  return `<${value.kind}>`;
}

/** As Python's `str` writes JSON that it has read. */
export function jsonText(json: Json): string {
  return typeof json === "string" ? json : representJson(json);
}

function representJson(json: Json): string {
  if (typeof json === "number") return represent(isJsonInt(json) ? BigInt(json) : json);
  if (json === null || typeof json !== "object") return represent(json);
  if (Array.isArray(json)) return `[${json.map(representJson).join(", ")}]`;
  const entries = Object.entries(json).map(([key, item]) => `${quote(key)}: ${representJson(item)}`);
  return `{${entries.join(", ")}}`;
}

/** Python's shortest text of a float: 1.0, 1e-05, 1e+16. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa, exponentText] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\\n\r\t\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}'"]/gu, (char) => {
    if (char === " ") return char;
    if (char === "'" || char === '"') return char === mark ? `\\${char}` : char;
    if (char === "\\") return "\\\\";
    const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[char];
    if (short !== undefined) return short;
    const point = char.codePointAt(0)!;
    if (point < 0x100) return `\\x${point.toString(16).padStart(2, "0")}`;
    if (point < 0x10000) return `\\u${point.toString(16).padStart(4, "0")}`;
    return `\\U${point.toString(16).padStart(8, "0")}`;
  });
  return `${mark}${body}${mark}`;
}

/** Equality as Python has it: 1 == 1.0, entities by type and id, rules by name and outcome. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  // oxlint-disable-next-line eqeqeq -- 1n and 1 are the same number
  if (isNumeric(a) && isNumeric(b)) return asNumeric(a) == asNumeric(b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => equal(item, b[at]!));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  if (a.kind === "entity" && b.kind === "entity") return a.type === b.type && a.id === b.id;
  if (a.kind === "span" && b.kind === "span") return a.microseconds === b.microseconds;
  if (a.kind === "rule" && b.kind === "rule") {
    return a.name === b.name && a.fired === b.fired && a.template === b.template;
  }
  return false;
}

const isRecord = (value: Value): value is Entity | TimeSpan | RuleValue | Effect =>
  value !== null && typeof value === "object" && !Array.isArray(value);

export const isNumeric = (value: Value): value is bigint | number | boolean =>
  typeof value === "bigint" || typeof value === "number" || typeof value === "boolean";

export const asNumeric = (value: bigint | number | boolean): bigint | number =>
  typeof value === "boolean" ? BigInt(value) : value;

/** Python's truth of a value. */
export function isTruthy(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isRecord(value) ? true : Boolean(value);
}

/** Whether Python reads this number as an int: from 1e21 on JSON is written with an exponent, which is a float. */
export const isJsonInt = (json: number): boolean => Number.isInteger(json) && Math.abs(json) < 1e21;

/** JSON to values. Objects have no counterpart. */
export function fromScalar(json: Json): null | boolean | bigint | number | string | undefined {
  if (typeof json === "number") return isJsonInt(json) ? BigInt(json) : json;
  return typeof json === "object" && json !== null ? undefined : json;
}
