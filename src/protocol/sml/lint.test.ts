import { expect, test } from "vitest";
import { compile, lint } from "./index.ts";

const LABELS = { slow: { valid_for: ["Sender"], connotation: "negative", description: "" } };
const READS = [
  "Action = GetActionName()",
  'Who: Entity[str] = EntityJson(type="Sender", path="$.who")',
  'N: int = JsonData(path="$.n")',
  'O: Optional[int] = JsonData(path="$.o")',
  'P: Optional[str] = JsonData(path="$.p")',
  'Q: int = JsonData(path="$.q", required=False)',
].join("\n");
const END = 'WhenRules(rules_any=[R], then=[LabelAdd(entity=Who, label="slow")])';

function warningsOf(lines: string): [line: number, kind: string][] {
  const text = `${READS}\n${lines}\n${lines.includes("R = ") ? END : ""}\n`;
  const compiled = compile({ "main.sml": text }, LABELS);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  const warnings = lint(compiled.program);
  expect(warnings.every(({ message, hint }) => message !== "" && hint !== "")).toBe(true);
  return warnings.map(({ line, kind }) => [line - 6, kind]);
}

const rule = (conditions: string) => `R = Rule(when_all=[Action == "a", ${conditions}], description="r")`;

test.each([
  ["a guarded comparison", rule("O != None, O != 3"), []],
  ["unequal to what may be missing", rule("O != 3"), [[1, "fail-open"]]],
  ["unequal, guarded in the chain", rule("O != None and O != 3"), []],
  ["unequal, or missing and known to be", rule("O == None or O != 3"), []],
  ["not in, of what may be missing", rule('P not in ["a"]'), [[1, "fail-open"]]],
  ["not, over what may be missing", rule("not (O == 3)"), [[1, "fail-open"]]],
  ["not, over a test for None", rule("not (O == None)"), []],
  ["what is not required may be missing", rule("Q != 3"), [[1, "fail-open"]]],
  ["what is required is counted as an error", rule("N != 3"), []],
  ["a default", `D = ResolveOptional(optional_value=O, default_value=0)\n${rule("D != 3")}`, []],
  ["a ratio", rule("N / Q > 0.1"), [[1, "unguarded-ratio"]]],
  ["a ratio by name", `F = N / Q\n${rule("F > 0.1")}`, [[2, "unguarded-ratio"]]],
  ["a ratio with a volume", rule("N / Q > 0.1, Q >= 50"), []],
  ["a ratio to a constant", `K = 4\n${rule("N / 3 > 0.1, N / K > 1")}`, []],
  ["not a label", rule('not HasLabel(entity=Who, label="slow")'), [[1, "negated-label"]]],
  ["a label that is false", rule('HasLabel(entity=Who, label="slow") == False'), [[1, "negated-label"]]],
  ["a label by name", `H = HasLabel(entity=Who, label="slow")\n${rule("H != True")}`, [[2, "negated-label"]]],
  ["a removed label", rule('HasLabel(entity=Who, label="slow", status="removed")'), [[1, "negated-label"]]],
  ["not a label, with an error", rule('not HasLabel(entity=Who, label="slow", error_on_empty=True)'), []],
  ["any action", 'R = Rule(when_all=[N > 1], description="r")', [[1, "any-action"]]],
  [
    "a rule without effect",
    `${rule("N > 1")}\nT = Rule(when_all=[Action == "a"], description="t")`,
    [[2, "unused-rule"]],
  ],
  ["a label that no rule gives", "X = 1 + 1", [[-5, "unused-label"]]],
  ["a large integer", rule("N > 9007199254740992"), [[1, "large-integer"]]],
  [
    "a pattern of Python's own",
    rule('P != None, RegexMatch(target="a", pattern=r"(?P<n>a)")'),
    [[1, "unshared-pattern"]],
  ],
  ["a pattern that repeats repeats", rule('RegexMatch(target="a", pattern="(a+)+b")'), [[1, "slow-pattern"]]],
  ["a plain pattern", rule('RegexMatch(target="a", pattern="^[a-z]+ [0-9]{3}")'), []],
  [
    "the first of many keys",
    `Z: Optional[int] = JsonData(path="$..z")\n${rule("Z == 1")}`,
    [[1, "order-of-keys"]],
  ],
  ["a star in quotes", `Z: Optional[int] = JsonData(path="$.'*'")\n${rule("Z == 1")}`, []],
  ["a name with a sign", `D = -1\nT = TimeDelta(days=D)\n${rule("N > 1")}`, [[2, "signed-name"]]],
])("%s", (_name, lines, expected) => {
  expect(warningsOf(lines)).toEqual(expected);
});
