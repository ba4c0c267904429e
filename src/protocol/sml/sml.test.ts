import { describe, expect, test } from "vitest";
import { compile, evaluate, renderDiagnostic } from "./index.ts";
import { compilePattern } from "./python-regex.ts";
import { operate } from "./operators.ts";
import { floatText } from "./values.ts";

const event = (data = {}) => ({
  actionId: "1",
  actionName: "seen",
  sendTime: "2027-01-01T00:00:00.000001Z",
  data,
});

function run(text: string, data = {}) {
  const compiled = compile({ "main.sml": text }, null);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return evaluate(compiled.program, event(data));
}

test("the trace tells of every rule which condition held and what it saw", () => {
  const text = [
    'N: int = JsonData(path="$.n")',
    'S: str = JsonData(path="$.s", required=False)',
    'R = Rule(when_all=[N > 1,\n  S == "x" or\n    N > 5, S in ["x"]], description=f"{N}")',
    'Q = Rule(when_all=[not (S + "y" == "xy"), S + "y" in ["xy"], N < 0, ListLength(list=[S]) > 0], description="q")',
  ].join("\n");
  expect(run(text, { n: 3 }).trace).toEqual([
    {
      name: "R",
      file: "main.sml",
      line: 3,
      fired: false,
      conditions: [
        { text: "N > 1", line: 3, value: true },
        { text: 'S == "x" or N > 5', line: 4, value: false },
        { text: 'S in ["x"]', line: 5, value: false },
      ],
      features: { N: 3, S: null },
    },
    {
      name: "Q",
      file: "main.sml",
      line: 6,
      fired: null,
      conditions: [
        { text: 'not (S + "y" == "xy")', line: 6, value: true },
        { text: 'S + "y" in ["xy"]', line: 6, value: false },
        { text: "N < 0", line: 6, value: false },
        { text: "ListLength(list=[S]) > 0", line: 6, value: null },
      ],
      features: { N: 3, S: null },
    },
  ]);
});

test("a fired rule has its description filled in, and errors have a place", () => {
  const outcome = run(
    'N: int = JsonData(path="$.n")\nX = 1 << -1\nR = Rule(when_all=[], description=f"{{{N}}}")',
    {
      n: 2,
    },
  );
  expect(outcome.firedRules).toEqual([
    { name: "R", template: "{{{N}}}", values: { N: "2" }, description: "{2}" },
  ]);
  expect(outcome.errors).toEqual([{ file: "main.sml", line: 2, reason: "negative shift count" }]);
});

test("a diagnostic shows the line with a caret", () => {
  const text = "A = 1\nB = [A,\t A < 2 < 3]\n";
  const compiled = compile({ "main.sml": text }, null);
  expect(compiled.ok ? "" : renderDiagnostic(compiled.diagnostics[0]!, text)).toBe(
    [
      "main.sml:2:10: one comparison compares two values [chained-comparison]",
      "  | B = [A,\t A < 2 < 3]",
      "  |        \t ^^^^^^^^^",
      "  instead of `a < b < c` write `a < b and b < c`",
    ].join("\n"),
  );
});

test("a name in a format string has its own place, over lines too", () => {
  const compiled = compile({ "main.sml": 'A = f"x {Nope}" "y"\nB = f"""\n\n  {Nope2}"""\n' }, null);
  const places = compiled.ok ? [] : compiled.diagnostics.map(({ line, column }) => [line, column]);
  expect(places).toEqual([
    [1, 10],
    [4, 4],
  ]);
});

describe("what is too large is refused or fails, and nothing overflows", () => {
  const deep = "(".repeat(300) + "1" + ")".repeat(300);
  const cases: [string, string][] = [
    ["brackets", `A = ${deep}`],
    ["operators", `A = ${"1 + ".repeat(5000)}1`],
    ["signs", `A = ${"-".repeat(5000)}1`],
    ["negations", `A = ${"not ".repeat(5000)}True`],
    ["powers", `A = ${"2 ** ".repeat(5000)}1`],
    ["calls", `A = f${"()".repeat(5000)}`],
    ["digits", `A = ${"9".repeat(5000)}`],
    ["length", `A = "${"x".repeat(300_000)}"`],
  ];
  test.each(cases)("%s", (_name, text) => {
    const compiled = compile({ "main.sml": text }, null);
    expect(compiled.ok ? [] : compiled.diagnostics.map(({ kind }) => kind)).toEqual(["too-large"]);
  });

  test("a wide chain and a long file are fine", () => {
    const wide = run(`A = ${"True and ".repeat(5000)}True`);
    expect(wide.features).toEqual({ A: true });
    const long = Array.from({ length: 3000 }, (_, at) =>
      at === 0 ? "A0 = 1 + 0" : `A${at} = A${at - 1} + 1`,
    );
    expect(run(long.join("\n")).features["A2999"]).toBe(3000);
  });

  test.each([
    ["A = 2 ** 10 ** 9"],
    ["A = 1 << 10 ** 9"],
    ['A = "x" * 10 ** 9'],
    ["A = 2.0 ** 5000"],
    ["A = (-8.0) ** 0.5"],
    ["A = 10 ** 400 * 1.0"],
    ["A = TimeDelta(days=1000000000)"],
  ])("%s fails when it runs", (text) => {
    expect(run(text)).toMatchObject({ features: { A: null }, errorCount: 1 });
  });

  test("data that nests very deep", () => {
    let data: object = { n: 1 };
    for (let at = 0; at < 20_000; at += 1) data = { x: data };
    expect(run('A: int = JsonData(path="$..n")', data)).toMatchObject({
      features: { A: null },
      errorCount: 1,
    });
  });
});

test("names of JavaScript objects are no names here", () => {
  const compiled = compile({ "main.sml": "A = toString\nB: constructor = 1\n" }, null);
  expect(compiled.ok ? [] : compiled.diagnostics.map(({ kind }) => kind)).toEqual(["unknown-name"]);
  const call = compile({ "main.sml": "A = constructor(a=1)\nB = StringLength(constructor=1)\n" }, null);
  expect(call.ok ? [] : call.diagnostics.map(({ kind }) => kind)).toEqual([
    "unknown-udf",
    "missing-kwarg",
    "unknown-kwarg",
  ]);
  expect(run('A: str = JsonData(path="$.constructor", required=False)').features).toEqual({ A: null });
});

test.each([
  [0.1 + 0.2, "0.30000000000000004"],
  [1, "1.0"],
  [-0, "-0.0"],
  [1e15, "1000000000000000.0"],
  [1e16, "1e+16"],
  [123456789012345680000, "1.2345678901234568e+20"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [5e-324, "5e-324"],
  [Infinity, "inf"],
])("the float %d is written %s", (value, text) => {
  expect(floatText(value)).toBe(text);
});

test.each([
  [(1n << 60n) + 1n, 3n, Number(384307168202282325n)],
  [10n ** 30n, 10n ** 29n, 10],
  [1n, 10n ** 20n, 1e-20],
  [-(10n ** 25n), 3n, -Number(3333333333333333333333333n)],
  [9007199254740993n, 1n, 9007199254740992],
])("%d / %d is rounded once", (a, b, quotient) => {
  expect(operate("/", a, b)).toBe(quotient);
});

test.each([
  [-7.5, 2, -4, 0.5],
  [7.5, -2, -4, -0.5],
  [5.1, 1, 5, 0.09999999999999964],
  [-1, 0.1, -10, 5.551115123125783e-17],
])("floor and remainder of %d by %d", (x, y, quotient, remainder) => {
  expect([operate("//", x, y), operate("%", x, y)]).toEqual([quotient, remainder]);
});

test.each([
  [String.raw`^\w+$`, "prüfung\n", true],
  [String.raw`^\w+\Z`, "prüfung\n", false],
  [String.raw`\d`, "٣", true],
  [String.raw`a.c`, "a\u2028c", true],
  [String.raw`\bü`, "aü", false],
  [String.raw`[^\W\d]`, "5", false],
  [String.raw`[\]\-a-c]{2}`, "]-", true],
  [String.raw`x{,2}y`, "y", true],
  [String.raw`{x}`, "{x}", true],
  [String.raw`(?<!a)b`, "ab", false],
  [String.raw`\x41\u0042\103`, "ABC", true],
  [String.raw`(?i)a`, "A", true],
  [String.raw`(?P<n>a)(?P=n)`, "aa", true],
  [String.raw`(a)?\1b`, "b", false],
  [String.raw`(?<=ab|cd)e`, "cde", true],
  [String.raw`(?s)a`, "a", undefined],
  [String.raw`a++`, "aa", undefined],
  [String.raw`(?<=a*)b`, "b", undefined],
  [String.raw`[z-a]`, "b", undefined],
  [String.raw`\q`, "q", undefined],
  ["(", "", undefined],
  ["a)", "a", undefined],
])("pattern %s on %j", (pattern, text, found) => {
  const compiled = compilePattern(pattern, false);
  expect(typeof compiled === "string" ? undefined : compiled(text, () => true)).toBe(found);
});

test("a number of the event is an int as long as JSON writes it without an exponent", () => {
  const text = 'N: int | float = JsonData(path="$.n")';
  const typeOf = (n: number) => run(text, { n }).types["N"];
  expect([1, 1.5, 1e20, 1e21, 1e300].map(typeOf)).toEqual(["int", "float", "int", "float", "float"]);
});
