import { coerce, matches } from "../coerce.ts";
import { findFirst, parsePath, type JsonPath } from "../json-path.ts";
import { BOOL, EFFECT, INT, listOf, optional, RULE, STR, ANY } from "../types.ts";
import { Failure, fail, missing, type Value } from "../values.ts";
import type { Checker } from "../annotation.ts";
import {
  text,
  type Arguments,
  type CheckContext,
  type FunctionTable,
  type RunContext,
} from "./definition.ts";

const PATH = { type: STR, constant: "str" } as const;
const SWITCH = { type: BOOL, optional: true } as const;
const TYPE = { type: STR, constant: "str" } as const;

function checkPath({ constants, spanOf, report }: CheckContext): JsonPath | undefined {
  const path = parsePath(constants.get("path") as string);
  if (typeof path !== "string") return path;
  report(
    spanOf("path"),
    "bad-argument-value",
    `this path is not taken: ${path}`,
    "write a path such as `$.smtp.code`",
  );
  return undefined;
}

function read(args: Arguments, context: RunContext, checker: Checker): Value | Failure {
  const path = context.compiled as JsonPath;
  const found = findFirst(path, context.action.data);
  if (found instanceof Failure) return found;
  const required = args["required"] !== false;
  if (found === undefined) {
    if (matches(checker, null)) return null;
    return required
      ? fail(`the event has nothing at ${path.text}`)
      : missing(`the event has nothing at ${path.text}`);
  }
  if (found === null && !required && !matches(checker, null))
    return missing(`the event has null at ${path.text}`);
  const value = coerce(checker, found, args["coerce_type"] !== false);
  return value instanceof Failure ? fail(`${path.text}: ${value.reason}`) : value;
}

/** Reading the event, entities, and the functions whose work the evaluator does: files, rules, effects. */
export const CORE: FunctionTable = {
  Import: { parameters: { rules: { type: listOf(STR), constant: "str-list" } }, returns: "nothing" },
  Require: { parameters: { rule: { type: STR }, require_if: SWITCH }, returns: "nothing" },
  Rule: { parameters: { when_all: { type: listOf(BOOL) }, description: { type: STR } }, returns: RULE },
  WhenRules: {
    // oxlint-disable-next-line unicorn/no-thenable -- the argument has this name in the language
    parameters: { rules_any: { type: listOf(RULE) }, then: { type: listOf(EFFECT) } },
    returns: "nothing",
  },
  DeclareVerdict: {
    parameters: { verdict: { type: STR } },
    returns: EFFECT,
    run: (args) => ({ kind: "verdict-effect", verdict: text(args, "verdict"), rules: [] }),
  },
  GetActionName: { parameters: {}, returns: STR, run: (_args, { action }) => action.name },
  GetActionId: { parameters: {}, returns: INT, run: (_args, { action }) => action.id },
  JsonData: {
    parameters: { path: PATH, required: SWITCH, coerce_type: SWITCH },
    returns: "annotated",
    check: checkPath,
    run: (args, context) => read(args, context, context.checker!),
  },
  EntityJson: {
    parameters: { type: TYPE, path: PATH, required: SWITCH, coerce_type: SWITCH },
    returns: "annotated-entity",
    check: checkPath,
    run: (args, context) => {
      if (context.checker?.kind !== "entity") return fail("the annotation names no entity");
      const id = read(args, context, context.checker.of);
      if (typeof id === "string" || typeof id === "bigint")
        return { kind: "entity", type: text(args, "type"), id };
      return id instanceof Failure ? id : fail("an id is text or an int");
    },
  },
  Entity: {
    parameters: { type: TYPE, id: { type: ANY, generic: true } },
    returns: "generic-entity",
    run: (args) => {
      const id = args["id"]!;
      if (typeof id !== "string" && typeof id !== "bigint") return fail("an id is text or an int");
      return { kind: "entity", type: text(args, "type"), id };
    },
  },
  ResolveOptional: {
    parameters: {
      optional_value: { type: optional(ANY), generic: true, nullable: true },
      default_value: { type: optional(ANY), generic: true, optional: true, nullable: true },
      should_report_error: { type: BOOL, constant: "bool", optional: true },
    },
    returns: "generic",
    run: (args) => {
      const value = args["optional_value"] ?? args["default_value"] ?? null;
      if (value !== null) return value;
      const reason = "the value is missing and has no default";
      return args["should_report_error"] === true ? fail(reason) : missing(reason);
    },
  },
};
