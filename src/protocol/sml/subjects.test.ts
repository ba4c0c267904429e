import { expect, test } from "vitest";
import { compile, evaluate, subjectsOf } from "./index.ts";

const HEAD = [
  "Action = GetActionName()",
  'N: int = JsonData(path="$.n")',
  'Many = ["seen", "heard"]',
  'One = "seen"',
  'IsSeen = Action == "seen"',
  "Bound = [N > 1, IsSeen]",
];
const rule = (name: string, conditions: string) =>
  `${name} = Rule(when_all=${conditions}, description="${name}")`;

function programOf(...rules: string[]) {
  const compiled = compile({ "main.sml": [...HEAD, ...rules].join("\n") }, null);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.program;
}

const ACTIONS = ["seen", "heard", "felt", ""];

test.each<[string, string[], string[] | undefined]>([
  ["no rule", [], []],
  ["==", [rule("R", '[Action == "seen"]')], ["seen"]],
  ["== the other way round", [rule("R", '[N > 1, "seen" == Action]')], ["seen"]],
  ["the call itself", [rule("R", '[GetActionName() == "seen"]')], ["seen"]],
  ["a text by its name", [rule("R", "[Action == One]")], ["seen"]],
  ["a condition by its name", [rule("R", "[N > 1, IsSeen]")], ["seen"]],
  ["all conditions by a name", [rule("R", "Bound")], ["seen"]],
  ["in", [rule("R", '[Action in ["seen", "heard"]]')], ["seen", "heard"]],
  ["in a list by its name", [rule("R", "[Action in Many]")], ["seen", "heard"]],
  ["and", [rule("R", '[N > 1 and Action == "seen"]')], ["seen"]],
  ["or, both bound", [rule("R", '[Action == "seen" or Action == "heard"]')], ["seen", "heard"]],
  ["two rules", [rule("R", "[IsSeen]"), rule("Q", '[Action == "heard"]')], ["seen", "heard"]],
  ["or, one free", [rule("R", '[N > 1 or Action == "seen"]')], undefined],
  ["not", [rule("R", '[not (Action == "seen")]')], undefined],
  ["!=", [rule("R", '[Action != "seen"]')], undefined],
  ["not in", [rule("R", "[Action not in Many]")], undefined],
  ["no condition", [rule("R", "[]")], undefined],
  ["another fact", [rule("R", "[N > 1]")], undefined],
  ["one rule free", [rule("R", "[IsSeen]"), rule("Q", "[N > 1]")], undefined],
])("%s", (_, rules, expected) => {
  const program = programOf(...rules);
  const subjects = subjectsOf(program);
  expect(subjects && [...subjects]).toEqual(expected);
  for (const actionName of ACTIONS) {
    const action = { actionId: "1", actionName, sendTime: "2027-01-01T00:00:00.000001Z", data: { n: 2 } };
    const { firedRules } = evaluate(program, action);
    if (subjects) expect(firedRules.length > 0).toBe(subjects.has(actionName));
  }
});
