import { expect, test } from "vitest";
import { compile, evaluate, type Budget } from "./index.ts";

const ACTION = { actionId: "1", actionName: "seen", sendTime: "2027-01-01T00:00:00Z" };
const OTHERS = [
  'Fine = Rule(when_all=[StringLength(s=S) > 3], description="fine")',
  'WhenRules(rules_any=[Slow, Fine], then=[DeclareVerdict(verdict="v")])',
].join("\n");

function run(slow: string, s: string, budget?: Partial<Budget>) {
  const text = `S: str = JsonData(path="$.s")\nL = StringSplit(s=S, sep=" ")\n${slow}\n${OTHERS}\n`;
  const compiled = compile({ "main.sml": text }, null);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return evaluate(compiled.program, { ...ACTION, data: { s } }, budget === undefined ? {} : { budget });
}

const rule = (condition: string) => `Slow = Rule(when_all=[${condition}], description="slow")`;
const many = Array.from({ length: 60 }, () => '"x" in L').join(" or ");

test.each([
  [
    "a pattern with a reference that backtracks",
    rule(String.raw`RegexMatch(target=S, pattern=r"(a+)+(a+)+(a+)+\1c$")`),
    "a".repeat(3000),
    undefined,
  ],
  ["long lists searched again and again", rule(many), "a ".repeat(5000), undefined],
  ["a small budget", rule("1 + 1 + 1 + 1 + 1 == 5"), "abcd", { perRule: 4 }],
])("%s stops that rule only, by name", (_name, slow, s, budget) => {
  const began = performance.now();
  const outcome = run(slow, s, budget);
  expect(outcome.exceeded).toEqual(["Slow"]);
  expect(outcome.errorCount).toBe(1);
  expect(outcome.errors[0]).toEqual({ file: "main.sml", line: 3, reason: "`Slow` takes too much work" });
  expect(outcome.features).toMatchObject({ Slow: null, Fine: true });
  expect(outcome.verdicts).toEqual(["v"]);
  expect(performance.now() - began).toBeLessThan(5000);
});

test.each([
  ["nested repeats", "(a+)+b"],
  ["many open repeats", "a*a*a*a*a*b"],
  ["a choice within a repeat", "^(a|aa)*$"],
  ["a look ahead at every place", "(?=a*b)c"],
])("a pattern with %s takes a time that grows with the text only", (_name, pattern) => {
  const outcome = run(rule(`RegexMatch(target=S, pattern="${pattern}")`), `${"a".repeat(2000)}c`);
  expect(outcome).toMatchObject({ exceeded: [], errorCount: 0, features: { Slow: false } });
});

test("the budget of the event ends all that follows", () => {
  const outcome = run(rule("1 + 1 == 2"), "abcd", { perEvent: 1 });
  expect(outcome.exceeded.length).toBeGreaterThan(1);
  expect(outcome.verdicts).toEqual([]);
});
