import { SPACE } from "../coerce.ts";
import { INT, BOOL, listOf, optional, STR, type Type } from "../types.ts";
import { fail, missing, type Failure, type Value } from "../values.ts";
import {
  int,
  list,
  text,
  type Arguments,
  type FunctionDefinition,
  type FunctionTable,
} from "./definition.ts";

const S = { type: STR };
const MAX_TEXT = 1_000_000;

const onText = (returns: Type, run: (s: string, args: Arguments) => Value | Failure): FunctionDefinition => ({
  parameters: { s: S },
  returns,
  run: (args) => run(text(args, "s"), args),
});

const stripping = (left: boolean, right: boolean): FunctionDefinition => ({
  parameters: { s: S, chars: { type: optional(STR), optional: true, nullable: true } },
  returns: STR,
  run: (args) => strip(text(args, "s"), args["chars"] as string | null | undefined, left, right),
});

/** Text functions; lengths and positions count code points, as in Python. */
export const STRINGS: FunctionTable = {
  StringLength: onText(INT, (s) => BigInt(Array.from(s).length)),
  StringToLower: onText(STR, (s) => s.toLowerCase()),
  StringToUpper: onText(STR, (s) => s.toUpperCase()),
  StringStartsWith: {
    parameters: { s: S, start: S },
    returns: BOOL,
    run: (args) => text(args, "s").startsWith(text(args, "start")),
  },
  StringEndsWith: {
    parameters: { s: S, end: S },
    returns: BOOL,
    run: (args) => text(args, "s").endsWith(text(args, "end")),
  },
  StringStrip: stripping(true, true),
  StringLStrip: stripping(true, false),
  StringRStrip: stripping(false, true),
  StringReplace: {
    parameters: { s: S, old: S, new: S },
    returns: STR,
    run: (args) => replace(text(args, "s"), text(args, "old"), text(args, "new")),
  },
  StringJoin: {
    parameters: { s: S, iterable: { type: listOf(STR) } },
    returns: STR,
    run: (args) => {
      const items = list(args, "iterable");
      if (!items.every((item) => typeof item === "string")) return fail("only text can be joined");
      return bounded(items.join(text(args, "s")));
    },
  },
  StringSplit: {
    parameters: {
      s: S,
      sep: { type: optional(STR), optional: true, nullable: true },
      maxsplit: { type: INT, optional: true },
    },
    returns: listOf(STR),
    run: (args) => {
      const limit = args["maxsplit"] === undefined ? -1n : int(args, "maxsplit");
      return split(text(args, "s"), args["sep"] as string | null | undefined, limit);
    },
  },
  StringSlice: {
    parameters: { s: S, start: { type: INT, constant: "int" }, end: { type: INT, constant: "int" } },
    returns: STR,
    check: ({ constants, spanOf, report }) => {
      const [start, end] = [Number(constants.get("start")), Number(constants.get("end"))];
      for (const name of ["start", "end"]) {
        if (Number(constants.get(name)) >= 0) continue;
        report(
          spanOf(name),
          "bad-argument-value",
          `\`${name}\` is below zero`,
          "count from the beginning of the text",
        );
      }
      if (start > end)
        report(
          spanOf("start"),
          "bad-argument-value",
          "`start` is past `end`",
          "write the smaller number as `start`",
        );
    },
    run: (args) =>
      Array.from(text(args, "s"))
        .slice(Number(int(args, "start")), Number(int(args, "end")))
        .join(""),
  },
  EmailLocalPart: {
    parameters: { email: S },
    returns: STR,
    run: (args) => {
      const at = text(args, "email").lastIndexOf("@");
      return at === -1 ? missing("this is no e-mail address") : text(args, "email").slice(0, at);
    },
  },
  EmailSubdomain: {
    parameters: { email: S },
    returns: STR,
    run: (args) => {
      const at = text(args, "email").lastIndexOf("@");
      const domain = text(args, "email").slice(at + 1);
      return at === -1 || domain === "" ? missing("this is no e-mail address") : domain.toLowerCase();
    },
  },
};

const bounded = (result: string): string | Failure =>
  result.length > MAX_TEXT ? fail("this text is too long") : result;

function strip(s: string, chars: string | null | undefined, left: boolean, right: boolean): string {
  const spaces = new RegExp(`[${SPACE}]`, "u");
  const set = chars === null || chars === undefined ? undefined : new Set(chars);
  const drops = (char: string) => (set === undefined ? spaces.test(char) : set.has(char));
  const points = Array.from(s);
  const keeps = (char: string) => !drops(char);
  const start = left ? points.findIndex(keeps) : 0;
  const end = right ? points.findLastIndex(keeps) + 1 : points.length;
  return start === -1 ? "" : points.slice(start, end).join("");
}

function replace(s: string, old: string, by: string): string | Failure {
  const pieces = old === "" ? ["", ...Array.from(s), ""] : s.split(old);
  if (s.length + pieces.length * by.length > MAX_TEXT) return fail("this text is too long");
  return pieces.join(by);
}

function split(s: string, sep: string | null | undefined, limit: bigint): string[] | Failure {
  if (sep === "") return fail("empty separator");
  const most = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  if (sep === null || sep === undefined) return splitSpaces(s, most);
  const pieces = s.split(sep);
  if (pieces.length - 1 <= most) return pieces;
  return [...pieces.slice(0, most), pieces.slice(most).join(sep)];
}

function splitSpaces(s: string, most: number): string[] {
  const pieces: string[] = [];
  let rest = strip(s, null, true, false);
  const gap = new RegExp(`[${SPACE}]+`, "u");
  while (rest !== "") {
    const found = pieces.length < most ? gap.exec(rest) : null;
    if (found === null) return [...pieces, pieces.length < most ? strip(rest, null, false, true) : rest];
    pieces.push(rest.slice(0, found.index));
    rest = rest.slice(found.index + found[0].length);
  }
  return pieces;
}
