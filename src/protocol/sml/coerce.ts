import { typeOf, type Checker } from "./annotation.ts";
import { showType } from "./types.ts";
import { fail, fromScalar, isJsonInt, jsonText, type Failure, type Json, type Value } from "./values.ts";

/** Whether JSON already is what the annotation says; an int may stand for a float, a bool never for a number. */
export function matches(checker: Checker, json: Json): boolean {
  switch (checker.kind) {
    case "scalar":
      return isScalar(checker.type, json);
    case "union":
      return checker.of.some((one) => matches(one, json));
    case "list":
      return Array.isArray(json) && json.every((item) => matches(checker.of, item));
    case "extract-literal":
      return matches(checker.of, json);
    case "entity":
      return false;
  }
}

function isScalar(type: "str" | "int" | "float" | "bool" | "none", json: Json): boolean {
  switch (type) {
    case "str":
      return typeof json === "string";
    case "int":
      return typeof json === "number" && isJsonInt(json);
    case "float":
      return typeof json === "number";
    case "bool":
      return typeof json === "boolean";
    case "none":
      return json === null;
  }
}

/** JSON as the annotated type, by Osprey's conversions if they are asked for. */
export function coerce(checker: Checker, json: Json, mayCoerce: boolean): Value | Failure {
  if (matches(checker, json)) return toValue(json);
  const converted = mayCoerce && json !== null ? convert(checker, json) : "type";
  if (converted === "type" || converted === "value") {
    return fail(`the value ${shorten(jsonText(json))} is no ${showType(typeOf(checker))}`);
  }
  return converted.value;
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}...` : text);

function toValue(json: Json): Value {
  const scalar = fromScalar(json);
  if (scalar !== undefined) return scalar;
  return Array.isArray(json) ? json.map(toValue) : null;
}

/** Python's TypeError lets a union try its next member, its ValueError does not. */
type Converted = { value: Value } | "type" | "value";

function convert(checker: Checker, json: Json): Converted {
  if (matches(checker, json)) return { value: toValue(json) };
  switch (checker.kind) {
    case "scalar":
      return convertScalar(checker.type, json);
    case "extract-literal":
    case "entity":
      return "type";
    case "list": {
      if (!Array.isArray(json)) return "type";
      const items: Value[] = [];
      for (const item of json) {
        const converted = convert(checker.of, item);
        if (typeof converted === "string") return converted;
        items.push(converted.value);
      }
      return { value: items };
    }
    case "union":
      for (const one of checker.of) {
        const converted = convert(one, json);
        if (converted !== "type") return converted;
      }
      return "type";
  }
}

function convertScalar(type: "str" | "int" | "float" | "bool" | "none", json: Json): Converted {
  switch (type) {
    case "none":
      return "type";
    case "bool":
      return { value: isTruthyJson(json) };
    case "str":
      return json === null ? "type" : { value: jsonText(json) };
    case "int":
      if (typeof json === "number") return { value: BigInt(Math.trunc(json)) };
      return typeof json === "string" ? parsed(parseInteger(json)) : "type";
    case "float":
      return typeof json === "string" ? parsed(parseFloatText(json)) : "type";
  }
}

const parsed = (value: bigint | number | undefined): Converted => (value === undefined ? "value" : { value });

function isTruthyJson(json: Json): boolean {
  if (Array.isArray(json)) return json.length > 0;
  return typeof json === "object" && json !== null ? Object.keys(json).length > 0 : Boolean(json);
}

const DIGITS = /^[+-]?\d+(?:_\d+)*$/;

/** Python's `int(text)`, over the digits of all scripts. */
function parseInteger(text: string): bigint | undefined {
  const trimmed = plainNumber(text);
  if (!DIGITS.test(trimmed) || trimmed.length > 4300) return undefined;
  const digits = trimmed.replaceAll("_", "");
  return digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits.replace("+", ""));
}

/** Python's `float(text)`, over the digits of all scripts. */
function parseFloatText(text: string): number | undefined {
  const trimmed = plainNumber(text).toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(trimmed);
  if (special !== null) return (special[1] === "-" ? -1 : 1) * (special[2] === "nan" ? Number.NaN : Infinity);
  const number = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/;
  return number.test(trimmed) ? Number(trimmed.replaceAll("_", "")) : undefined;
}

/** What Python's `str.isspace` holds for white space. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** What stands around a number: not the ASCII separators, which are white space elsewhere. */
const MARGIN = SPACE.replace("\\x1c-\\x20", "\\x20");
const EDGES = new RegExp(`^[${MARGIN}]+|[${MARGIN}]+$`, "gu");

/** Without white space around it, and with the digits of all scripts as ASCII digits. */
const plainNumber = (text: string) => text.replace(EDGES, "").replace(/(?![0-9])\p{Nd}/gu, asciiDigit);

/** Digits of a script follow each other from 0 to 9; some scripts have several rows of them. */
function asciiDigit(digit: string): string {
  let first = digit.codePointAt(0)!;
  const point = first;
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((point - first) % 10);
}
