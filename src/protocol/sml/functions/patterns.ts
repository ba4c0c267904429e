import { compilePattern } from "../python-regex.ts";
import { BOOL, INT, listOf, STR } from "../types.ts";
import { fail } from "../values.ts";
import { list, text, type CheckContext, type FunctionTable } from "./definition.ts";

const PATTERN = { type: STR, constant: "str" } as const;
const CASE = { type: BOOL, constant: "bool", optional: true } as const;

function compile(context: CheckContext, pattern: string, parameter: string): RegExp | undefined {
  const compiled = compilePattern(pattern, context.constants.get("case_insensitive") === true);
  if (typeof compiled !== "string") return compiled;
  const message = `the pattern ${JSON.stringify(pattern)} is not taken: ${compiled}`;
  context.report(context.spanOf(parameter), "bad-regex", message);
  return undefined;
}

/** Searches by regular expression, anywhere in the text. */
export const PATTERNS: FunctionTable = {
  RegexMatch: {
    parameters: { target: { type: STR }, pattern: PATTERN, case_insensitive: CASE },
    returns: BOOL,
    check: (context) => compile(context, context.constants.get("pattern") as string, "pattern"),
    run: (args, { compiled }) => (compiled as RegExp).test(text(args, "target")),
  },
  RegexMatchMap: {
    parameters: {
      target: { type: listOf(STR) },
      pattern: PATTERN,
      case_insensitive: CASE,
      mode: { type: STR, constant: "str", optional: true },
    },
    returns: BOOL,
    check: (context) => {
      const compiled = compile(context, context.constants.get("pattern") as string, "pattern");
      const mode = context.constants.get("mode") ?? "any";
      if (compiled !== undefined && mode !== "any" && mode !== "all") {
        context.report(context.spanOf("mode"), "bad-argument-value", '`mode` is "any" or "all"');
      }
      return compiled;
    },
    run: (args, { compiled }) => {
      const items = list(args, "target");
      if (!items.every((item) => typeof item === "string")) return fail("only text can be searched");
      const found = (item: string) => (compiled as RegExp).test(item);
      return args["mode"] === "all" ? items.every(found) : items.some(found);
    },
  },
  CountRegexMatches: {
    parameters: {
      patterns: { type: listOf(STR), constant: "str-list" },
      target: { type: STR },
      case_insensitive: CASE,
    },
    returns: INT,
    check: (context) => {
      const patterns = context.constants.get("patterns") as string[];
      return patterns.map((pattern) => compile(context, pattern, "patterns"));
    },
    run: (args, { compiled }) =>
      BigInt((compiled as RegExp[]).filter((pattern) => pattern.test(text(args, "target"))).length),
  },
};
