import { compilePattern } from "../python-regex.ts";
import type { Matcher } from "../regex-match.ts";
import { BOOL, INT, listOf, STR } from "../types.ts";
import { fail, Failure } from "../values.ts";
import { list, text, type CheckContext, type FunctionTable, type RunContext } from "./definition.ts";

const PATTERN = { type: STR, constant: "str" } as const;
const CASE = { type: BOOL, constant: "bool", optional: true } as const;

function compile(context: CheckContext, pattern: string, parameter: string): Matcher | undefined {
  const compiled = compilePattern(pattern, context.constants.get("case_insensitive") === true);
  if (typeof compiled !== "string") return compiled;
  const message = `the pattern ${JSON.stringify(pattern)} is not taken: ${compiled}`;
  const hint = "write a pattern that Python and JavaScript both read";
  context.report(context.spanOf(parameter), "bad-regex", message, hint);
  return undefined;
}

function search(matcher: Matcher, text: string, { budget }: RunContext): boolean | Failure {
  return matcher(text, (steps) => budget.spend(steps)) ?? fail("this search takes too long");
}

/** Searches by regular expression, anywhere in the text. */
export const PATTERNS: FunctionTable = {
  RegexMatch: {
    parameters: { target: { type: STR }, pattern: PATTERN, case_insensitive: CASE },
    returns: BOOL,
    check: (context) => compile(context, context.constants.get("pattern") as string, "pattern"),
    run: (args, context) => search(context.compiled as Matcher, text(args, "target"), context),
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
        context.report(
          context.spanOf("mode"),
          "bad-argument-value",
          '`mode` is "any" or "all"',
          'write mode="any"',
        );
      }
      return compiled;
    },
    run: (args, context) => {
      const items = list(args, "target");
      if (!items.every((item) => typeof item === "string")) return fail("only text can be searched");
      const wanted = args["mode"] !== "all";
      for (const item of items) {
        const found = search(context.compiled as Matcher, item, context);
        if (found === wanted || found instanceof Failure) return found;
      }
      return !wanted;
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
    run: (args, context) => {
      let count = 0n;
      for (const matcher of context.compiled as Matcher[]) {
        const found = search(matcher, text(args, "target"), context);
        if (found instanceof Failure) return found;
        if (found) count += 1n;
      }
      return count;
    },
  },
};
