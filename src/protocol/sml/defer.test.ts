import { describe, expect, test } from "vitest";
import { compile, evaluate, type Outcome } from "./index.ts";
import type { Action } from "./outcome.ts";

const RULES = `
ActionName = GetActionName()
Member: Entity[str] = EntityJson(type="Member", path="$.did")
Node: Entity[int] = EntityJson(type="Node", path="$.node", required=False)
_rate: Optional[float] = JsonData(path="$.window.rate")
_count: Optional[int] = JsonData(path="$.window.count", required=False)
Place: Optional[str] = JsonData(path="$.place")
Name: str = JsonData(path="$.name", required=False)
Rate = ResolveOptional(optional_value=_rate, default_value=0.0)
Count = ResolveOptional(optional_value=_count, default_value=0)
RateShown = (Rate * 1000 + 0.5) // 1 / 10
Places = ["a", "b"]

High = Rule(
  when_all=[ActionName == "seen", Rate >= 0.5, Count > 2],
  description=f"{Count} at {RateShown}",
)
Placed = Rule(when_all=[Place in Places, not (Count == 0)], description=f"{Name} is known")
Both = Rule(when_all=[High or Placed, Rate * Count < 10], description="both")

WhenRules(rules_any=[High, Placed], then=[LabelAdd(entity=Member, label="high", expires_after=TimeDelta(days=7))])
WhenRules(rules_any=[Both], then=[LabelRemove(entity=Node, label="high", apply_if=High), DeclareVerdict(verdict="both")])
`;
const LABELS = { high: { valid_for: ["Member", "Node"], connotation: "neutral", description: "d" } };
const GOOD = {
  did: "did:plc:a",
  node: 7,
  window: { rate: 0.75, count: 3 },
  place: "a",
  name: "n",
};

const parts = (outcome: Outcome) => ({
  errorCount: outcome.errorCount,
  errors: outcome.errors,
  labels: outcome.labelEffects,
  verdicts: outcome.verdicts,
  fired: outcome.firedRules,
  features: outcome.features,
  types: outcome.types,
  trace: outcome.trace,
});

function programOf(text: string) {
  const compiled = compile({ "main.sml": text }, LABELS);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.program;
}

const actionOf = (data: Action["data"]): Action => ({
  actionId: "1",
  actionName: "seen",
  sendTime: "2027-01-01T00:00:00Z",
  data,
});

describe("what may wait changes nothing of what comes of an event", () => {
  const program = programOf(RULES);
  test.each<[string, Action["data"], boolean, number, string[], string[]]>([
    ["all holds", GOOD, true, 0, ["Both", "High", "Placed"], ["Member", "Node"]],
    ["nothing holds", { ...GOOD, window: {}, place: "c" }, true, 0, [], []],
    ["an entity is missing", { ...GOOD, node: null }, true, 0, ["Both", "High", "Placed"], ["Member"]],
    [
      "a name of a sentence is missing",
      { ...GOOD, name: null },
      true,
      0,
      ["Both", "High"],
      ["Member", "Node"],
    ],
    [
      "an int stands for a float",
      { ...GOOD, window: { rate: 1, count: 3 } },
      true,
      0,
      ["Both", "High", "Placed"],
      ["Member", "Node"],
    ],
    ["no window at all", { ...GOOD, window: 5 }, true, 0, [], []],
    [
      "text is converted",
      { ...GOOD, window: { rate: "0.75", count: 3 } },
      false,
      0,
      ["Both", "High", "Placed"],
      ["Member", "Node"],
    ],
    [
      "a float is cut to an int",
      { ...GOOD, window: { rate: 0.75, count: 3.5 } },
      false,
      0,
      ["Both", "High", "Placed"],
      ["Member", "Node"],
    ],
    [
      "text is no number",
      { ...GOOD, window: { rate: "high", count: 3 } },
      false,
      1,
      ["Both", "Placed"],
      ["Member"],
    ],
    [
      "a number beyond every int",
      { ...GOOD, window: { rate: 0.75, count: 1e30 } },
      false,
      0,
      ["High", "Placed"],
      ["Member"],
    ],
    ["the member is missing, and nothing holds", { node: 7 }, false, 1, [], []],
  ])("%s", (_name, data, isShaped, errors, fired, labelled) => {
    expect(program.plan.deferred.isShaped(data)).toBe(isShaped);
    const outcome = evaluate(program, actionOf(data));
    expect(outcome.errorCount).toBe(errors);
    expect(outcome.firedRules.map((rule) => rule.name)).toEqual(fired);
    expect(outcome.labelEffects.map((effect) => effect.entityType)).toEqual(labelled);
    // With less than all of it may take, nothing waits.
    const perRule = program.plan.deferred.cost - 1;
    const all = evaluate(program, actionOf(data), { budget: { perRule } });
    expect(parts(outcome)).toEqual(parts(all));
  });
});

test.each([
  ["a text that must be there", 'A: str = JsonData(path="$.none")\nB = StringLength(s=A)'],
  ["a power", "A = 2\nB = A ** 70000"],
  [
    "products without end",
    `A0: int = JsonData(path="$.i")\n${Array.from({ length: 20 }, (_, at) => `A${at + 1} = A${at} * A${at}`).join("\n")}`,
  ],
  ["a list with an item that is no int", 'A: List[int] = JsonData(path="$.l")\nB = 1 in A'],
])("what can err is evaluated in each event: %s", (_name, text) => {
  const program = programOf(text);
  const data = { i: 999_999_999_999, l: [1, "x", {}] };
  const outcome = evaluate(program, actionOf(data));
  expect(outcome.errorCount).toBe(1);
});

test("a long chain of names is evaluated in its order", () => {
  const chain = Array.from({ length: 10_000 }, (_, at) => `A${at + 1} = not A${at}`).join("\n");
  const rule = 'R = Rule(when_all=[A10000], description=f"{A10000}")';
  const program = programOf(`A0: bool = JsonData(path="$.b")\n${chain}\n${rule}\n`);
  const options = { budget: { perRule: 1_000_000 } };
  const [fired] = evaluate(program, actionOf({ b: true }), options).firedRules;
  expect(fired?.description).toBe("True");
});
