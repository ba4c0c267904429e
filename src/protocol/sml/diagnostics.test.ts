import { expect, test } from "vitest";
import { compile, renderDiagnostic } from "./index.ts";

const LABELS = { slow: { valid_for: ["Sender"], connotation: "negative", description: "" } };
const OTHERS = { "b.sml": "B1 = 1\n", "z.sml": "Z1 = 1\n" };

/** For every kind of error: a program, and what of it is underlined. */
const CASES: [kind: string, text: string, underlined: string][] = [
  ["syntax", "A = 1 2", "2"],
  ["syntax", "A = (1", "("],
  ["syntax", 'A = "x', '"'],
  ["unsupported-construct", "A = lambda: 1", "lambda: 1"],
  ["unsupported-construct", "A = [1][0]", "[1][0]"],
  ["unsupported-construct", "A = +1", "+1"],
  ["unsupported-construct", "A = B = 1", "A = B = 1"],
  ["unsupported-construct", "A: int", "A: int"],
  ["unsupported-construct", "import os", "import os"],
  ["unsupported-construct", "A = 1 is 2", "1 is 2"],
  ["unsupported-construct", "A = 1 @ 2", "1 @ 2"],
  ["unsupported-construct", "A = {}", "{}"],
  ["unsupported-function", "A = RandomInt(low=1, high=2)", "RandomInt(low=1, high=2)"],
  ["unsupported-annotation", 'A: Secret[str] = JsonData(path="$.a")', "Secret[str]"],
  ["too-large", `A = ${"(".repeat(300)}1${")".repeat(300)}`, "("],
  ["chained-comparison", "A = 1 < 2 < 3", "1 < 2 < 3"],
  ["positional-argument", 'A = StringLength("a")', 'StringLength("a")'],
  ["bare-expression", "1 + 1", "1 + 1"],
  ["fstring-not-simple", 'A = 1\nB = f"{A + 1}"', "A + 1"],
  ["extract-literal-value", "A: ExtractLiteral[int] = 1 + 1", "1 + 1"],
  ["bad-annotation", 'A: thing = JsonData(path="$.a")', "thing"],
  ["bad-annotation", "A: List[int, str] = [1]", "str"],
  ["bad-annotation", "A: Union[int] = 1", "Union[int]"],
  ["bad-annotation", 'A: Entity[float] = EntityJson(type="T", path="$.a")', "float"],
  ["duplicate-name", "A = 1\nA = 2", "A"],
  ["unknown-name", "A = B + 1", "B"],
  ["unknown-name", "A = B + 1\nB = 1", "B"],
  ["self-reference", "A = A + 1", "A"],
  ["unused-local", "_a = 1", "_a"],
  ["unknown-udf", 'A = Stringlength(s="a")', 'Stringlength(s="a")'],
  ["unknown-udf", 'A = Nope(s="a")', 'Nope(s="a")'],
  ["unknown-kwarg", 'A = StringLength(s="a", t=1)', "1"],
  ["missing-kwarg", "A = StringLength()", "StringLength()"],
  ["literal-required", 'A = TimeDelta(days="a")', '"a"'],
  ["literal-required", "A = TimeDelta(days=not True)", "not True"],
  ["bad-argument-value", 'A: int = JsonData(path="$.[")', '"$.["'],
  ["bad-argument-value", 'A = StringSlice(s="a", start=3, end=1)', "3"],
  ["bad-regex", 'A = RegexMatch(target="a", pattern="(")', '"("'],
  ["dynamic-unannotated", 'A = JsonData(path="$.a")', 'A = JsonData(path="$.a")'],
  ["dynamic-unassigned", 'A = StringLength(s=JsonData(path="$.a"))', 'JsonData(path="$.a")'],
  ["assignment-type", "A: str = 1", "1"],
  ["argument-type", "A = StringLength(s=1)", "1"],
  ["generic-type", 'A = ResolveOptional(optional_value=1, default_value="a")', '"a"'],
  ["operand-types", 'A = 1 + "a"', '1 + "a"'],
  ["operand-type", "A = not 1", "not 1"],
  ["operand-type", 'A = -"a"', '-"a"'],
  ["operand-type", "A = True and 1", "1"],
  ["nullable-comparison", 'N: Optional[int] = JsonData(path="$.n")\nA = N > 1', "N > 1"],
  ["nullable-operand", 'N: Optional[int] = JsonData(path="$.n")\nA = N + 1', "N + 1"],
  ["incompatible-comparison", 'A = 1 == "a"', '1 == "a"'],
  ["incompatible-comparison", 'A = 1 in ["a"]', '1 in ["a"]'],
  ["fstring-type", 'A = [1]\nB = f"x{A}"', "A"],
  ["mixed-list", 'A = [1, "a"]', '[1, "a"]'],
  ["untyped-empty-list", "A = []", "A = []"],
  ["result-unused", 'StringLength(s="a")', 'StringLength(s="a")'],
  ["no-result", 'A = Require(rule="main.sml")', 'Require(rule="main.sml")'],
  [
    "rule-unassigned",
    'A = [Rule(when_all=[True], description="a")]',
    'Rule(when_all=[True], description="a")',
  ],
  [
    "rule-local",
    '_a = Rule(when_all=[True], description="a")\nB = not _a',
    '_a = Rule(when_all=[True], description="a")',
  ],
  ["description-not-literal", 'D = "a"\nA = Rule(when_all=[True], description=D)', "D"],
  ["description-not-fstring", 'A = Rule(when_all=[True], description="a {B}")', '"a {B}"'],
  ["unknown-label", 'E = Entity(type="T", id="a")\nA = HasLabel(entity=E, label="none")', '"none"'],
  [
    "unknown-label-status",
    'E = Entity(type="T", id="a")\nA = HasLabel(entity=E, label="slow", status="gone")',
    '"gone"',
  ],
  [
    "label-not-valid-for-entity",
    'E = Entity(type="T", id="a")\nR = Rule(when_all=[True], description="r")\nWhenRules(rules_any=[R], then=[LabelAdd(entity=E, label="slow")])',
    "E",
  ],
  ["import-missing", 'Import(rules=["a.sml"])', '"a.sml"'],
  ["import-unsorted", 'Import(rules=["z.sml", "b.sml"])', '["z.sml", "b.sml"]'],
  ["import-duplicate", 'Import(rules=["b.sml", "b.sml"])', '"b.sml"'],
  ["import-cycle", 'Import(rules=["main.sml"])', '"main.sml"'],
  ["require-missing", 'Require(rule="a.sml")', '"a.sml"'],
  ["require-not-literal", 'A = "b.sml"\nRequire(rule=A)', "A"],
  ["engine-crash", 'A: Optional[List[str]] = JsonData(path="$.a")', "List[str]"],
  ["engine-crash", 'A = "x"\nB = StringLength(s=A.b)', "A.b"],
  ["entry-missing", "", ""],
];

test.each(CASES)("%s in %j", (kind, text, underlined) => {
  const files = kind === "entry-missing" ? OTHERS : { "main.sml": text, ...OTHERS };
  const compiled = compile(files, LABELS);
  const found = compiled.ok ? undefined : compiled.diagnostics.find((one) => one.kind === kind);
  expect(found).toBeDefined();
  const rendered = renderDiagnostic(found!, text).split("\n");
  expect(rendered).toHaveLength(4);
  const [head, source, carets, hint] = rendered as [string, string, string, string];
  expect(head).toMatch(new RegExp(`^main\\.sml:\\d+:\\d+: .{10,} \\[${kind}\\]$`));
  expect(source.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toContain(underlined);
  expect(carets.trimEnd().length - carets.indexOf("^")).toBe(Math.max(1, underlined.length));
  expect(hint.trim()).not.toBe("");
});

test("the underline fits tabs and wide characters, and ends with the line", () => {
  const text = 'A = "é😀" +\t1\r\nB = [\n  1, "a"]\n';
  const compiled = compile({ "main.sml": text }, null);
  expect(compiled.ok ? [] : compiled.diagnostics.map((one) => renderDiagnostic(one, text))).toEqual([
    [
      "main.sml:1:5: `+` does not take these types [operand-types]",
      '  | A = "é😀" +\t1',
      "  |     ^^^^^^^^",
      "  there is no `str + int`",
    ].join("\n"),
    [
      "main.sml:2:5: a list holds items of one type [mixed-list]",
      "  | B = [",
      "  |     ^",
      "  this one holds int, str",
    ].join("\n"),
  ]);
});
