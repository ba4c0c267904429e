import type { BinaryOperator, Comparator } from "./ast.ts";
import { asNumeric, equal, fail, isNumeric, type Failure, type Value } from "./values.ts";

/** Largest integer that arithmetic may make, in bits, and longest text that repetition may make. */
const MAX_BITS = 65_536n;
const MAX_TEXT = 1_000_000;

const DIVIDES: ReadonlySet<BinaryOperator> = new Set(["/", "//", "%"]);

/** A binary operator as Python has it, but zero divisors give 0 as in Osprey. */
export function operate(op: BinaryOperator, left: Value, right: Value): Value | Failure {
  if (typeof left === "number" && typeof right === "number" && (right !== 0 || !DIVIDES.has(op)))
    return floats(op, left, right);
  if (op === "+" && typeof left === "string" && typeof right === "string") return join(left, right);
  if (op === "*" && typeof left === "string" && typeof right === "bigint") return repeat(left, right);
  if (op === "*" && typeof left === "bigint" && typeof right === "string") return repeat(right, left);
  if (!isNumeric(left) || !isNumeric(right)) return fail(`\`${op}\` does not work on these values`);
  const [a, b] = [asNumeric(left), asNumeric(right)];
  // oxlint-disable-next-line eqeqeq -- 0n and 0 are both zero
  if (DIVIDES.has(op) && b == 0) return 0n;
  if (typeof a === "bigint" && typeof b === "bigint") return integers(op, a, b);
  const [x, y] = [Number(a), Number(b)];
  if (!isExactEnough(a, x) || !isExactEnough(b, y)) return fail("this integer is too large for a float");
  return floats(op, x, y);
}

const isExactEnough = (from: bigint | number, to: number) => typeof from === "number" || Number.isFinite(to);

function join(left: string, right: string): string | Failure {
  return left.length + right.length > MAX_TEXT ? fail("this text is too long") : left + right;
}

function repeat(text: string, count: bigint): string | Failure {
  if (count <= 0n || text === "") return "";
  return BigInt(text.length) * count > BigInt(MAX_TEXT)
    ? fail("this text is too long")
    : text.repeat(Number(count));
}

function integers(op: BinaryOperator, a: bigint, b: bigint): Value | Failure {
  switch (op) {
    case "+":
      return bounded(a + b);
    case "-":
      return bounded(a - b);
    case "*":
      return bounded(a * b);
    case "/":
      return divide(a, b);
    case "//":
      return floorDivide(a, b);
    case "%":
      return a - floorDivide(a, b) * b;
    case "**":
      return power(a, b);
    case "<<":
      if (b < 0n) return fail("negative shift count");
      return a === 0n ? 0n : b > MAX_BITS ? fail("this integer is too large") : bounded(a << b);
    case ">>":
      return b < 0n ? fail("negative shift count") : a >> b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
  }
}

function bounded(value: bigint): bigint | Failure {
  return !isSafe(value) && bits(value) > MAX_BITS ? fail("this integer is too large") : value;
}

const bits = (value: bigint): bigint => BigInt((value < 0n ? -value : value).toString(16).length) * 4n;

export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** True division, rounded once even where the integers are beyond 2^53. */
function divide(a: bigint, b: bigint): number | Failure {
  if (isSafe(a) && isSafe(b)) return Number(a) / Number(b);
  const [n, d] = [a < 0n ? -a : a, b < 0n ? -b : b];
  const shift = 66n - (bits(n) - bits(d));
  const [scaled, divisor] = shift > 0n ? [n << shift, d] : [n, d << -shift];
  const quotient = scaled / divisor;
  const sticky = scaled % divisor === 0n ? 0n : 1n;
  const result = scale(Number((quotient << 1n) | sticky), -Number(shift) - 1);
  if (!Number.isFinite(result)) return fail("this quotient is too large for a float");
  return a < 0n !== b < 0n ? -result : result;
}

const scale = (value: number, exponent: number): number =>
  Math.abs(exponent) > 1000
    ? value * 2 ** (exponent / 2) * 2 ** (exponent - exponent / 2)
    : value * 2 ** exponent;

const isSafe = (value: bigint) => value <= 9_007_199_254_740_992n && value >= -9_007_199_254_740_992n;

function power(a: bigint, b: bigint): Value | Failure {
  if (b < 0n) {
    if (a === 0n) return fail("zero cannot be raised to a negative power");
    return floats("**", Number(a), Number(b));
  }
  if (a === 0n || a === 1n) return b === 0n ? 1n : a;
  if (a === -1n) return b % 2n === 0n ? 1n : -1n;
  return bits(a) * b > MAX_BITS * 4n ? fail("this integer is too large") : bounded(a ** b);
}

function floats(op: BinaryOperator, x: number, y: number): Value | Failure {
  switch (op) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / y;
    case "//":
      return divmod(x, y).quotient;
    case "%":
      return divmod(x, y).remainder;
    case "**": {
      if (x === 0 && y < 0) return fail("zero cannot be raised to a negative power");
      const result = x ** y;
      if (Number.isNaN(result) && !Number.isNaN(x) && !Number.isNaN(y))
        return fail("this power is no real number");
      return Number.isFinite(result) || !Number.isFinite(x) || !Number.isFinite(y)
        ? result
        : fail("this power is too large");
    }
    default:
      return fail(`\`${op}\` works on integers`);
  }
}

/** Python's floor division and remainder of floats: the remainder has the sign of the divisor. */
function divmod(x: number, y: number): { quotient: number; remainder: number } {
  let remainder = x % y;
  let quotient = (x - remainder) / y;
  if (remainder === 0) remainder = y < 0 ? -0 : 0;
  else if (y < 0 !== remainder < 0) {
    remainder += y;
    quotient -= 1;
  }
  if (quotient === 0) return { quotient: x / y < 0 ? -0 : 0, remainder };
  const floor = Math.floor(quotient);
  return { quotient: quotient - floor > 0.5 ? floor + 1 : floor, remainder };
}

/** A comparison. `null` stands for what is missing: unequal to every value, and ordered against none. */
export function compare(op: Comparator, left: Value, right: Value): boolean | Failure {
  switch (op) {
    case "==":
      return equal(left, right);
    case "!=":
      return !equal(left, right);
    case "in":
      return contains(left, right);
    case "not in": {
      const found = contains(left, right);
      return typeof found === "boolean" ? !found : found;
    }
    default:
      return order(op, left, right);
  }
}

function order(op: "<" | "<=" | ">" | ">=", left: Value, right: Value): boolean | Failure {
  if (left === null || right === null) return false;
  if (!isNumeric(left) || !isNumeric(right)) return fail(`\`${op}\` does not work on these values`);
  const [a, b] = [asNumeric(left), asNumeric(right)];
  if (op === "<") return a < b;
  if (op === "<=") return a <= b;
  return op === ">" ? a > b : a >= b;
}

function contains(needle: Value, haystack: Value): boolean | Failure {
  if (needle === null || haystack === null) {
    return needle === null && (haystack === null || (Array.isArray(haystack) && haystack.includes(null)));
  }
  if (Array.isArray(haystack)) return haystack.some((item) => equal(needle, item));
  if (typeof haystack === "string" && typeof needle === "string") return haystack.includes(needle);
  return fail("`in` looks for text in text, or for an item in a list");
}

/** Sorts as Python's `sorted`: by number, or by code point. */
export function sorted(list: Value[], reverse: boolean): Value[] | Failure {
  const copy = [...list];
  const sign = reverse ? -1 : 1;
  if (copy.every(isNumeric)) {
    return copy.sort((a, b) =>
      asNumeric(a) < asNumeric(b) ? -sign : asNumeric(a) > asNumeric(b) ? sign : 0,
    );
  }
  if (copy.every((item) => typeof item === "string")) return copy.sort((a, b) => sign * compareText(a, b));
  return copy.length < 2 ? copy : fail("a list of these values has no order");
}

/** Code point order; JavaScript's own order is by UTF-16 unit. */
export function compareText(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
