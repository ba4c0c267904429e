import type { BinaryOperator } from "./ast.ts";
import { ANY, BOOL, FLOAT, INT, listOf, NUMBER, STR, type Type } from "./types.ts";

/** Two operand types and what comes out; of a list the first that fits counts. */
export type Transition = { left: Type; right: Type; result: Type };

const INTEGERS: Transition = { left: INT, right: INT, result: INT };
const FLOATS: Transition = { left: NUMBER, right: NUMBER, result: FLOAT };
const NUMBERS = [INTEGERS, FLOATS];

export const BINARY_TYPES: Record<BinaryOperator, readonly Transition[]> = {
  "+": [{ left: STR, right: STR, result: STR }, ...NUMBERS],
  "-": NUMBERS,
  "*": [...NUMBERS, { left: STR, right: INT, result: STR }, { left: INT, right: STR, result: STR }],
  "/": [FLOATS],
  "//": NUMBERS,
  "%": NUMBERS,
  "**": NUMBERS,
  "<<": [INTEGERS],
  ">>": [INTEGERS],
  "|": [INTEGERS],
  "^": [INTEGERS],
  "&": [INTEGERS],
};

export const ORDER_TYPES: readonly Transition[] = [{ left: NUMBER, right: NUMBER, result: BOOL }];

export const CONTAINMENT_TYPES: readonly Transition[] = [
  { left: STR, right: STR, result: BOOL },
  { left: ANY, right: listOf(ANY), result: BOOL },
];
