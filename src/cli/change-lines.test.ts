import { expect, test } from "vitest";
import { changeLines, factLines } from "./change-lines.ts";

const change = {
  id: 7,
  from: "good",
  to: "warned",
  at: "2026-11-23T02:24:00.000Z",
  description: "12 of 154 do not exist",
  rule: "BounceWarning",
  by: null,
  actionId: "1482093847561234",
};

test.each([
  [
    "by a rule",
    change,
    [
      "change 7: good -> warned, 2026-11-23 02:24 UTC, by the rule BounceWarning",
      "  12 of 154 do not exist",
      "  every rule at that event: atmos rules explain 1482093847561234",
    ],
  ],
  [
    "by a person",
    { ...change, rule: null, by: "rosa", actionId: null },
    ["change 7: good -> warned, 2026-11-23 02:24 UTC, by rosa", "  12 of 154 do not exist"],
  ],
  [
    "by time",
    { ...change, rule: null, description: "", actionId: null },
    ["change 7: good -> warned, 2026-11-23 02:24 UTC, by time"],
  ],
])("a change %s", (_, one, lines) => expect(changeLines(one)).toEqual(lines));

test.each([
  ["a text", "cause", "content", ["cause: content"]],
  ["values", "reached", { a: 1 }, ['reached: {"a":1}']],
  [
    "what a rule saw",
    "evidence",
    { window: { hard: 12, rate: 0.077922, p_over_5: 0.99712 }, thresholds: { p_over_5: 0.99 } },
    ["hard: 12", "rate: 0.07792", "p_over_5: 0.9971, the rule asks for 0.9900 or more"],
  ],
])("a fact: %s", (_, name, value, lines) => expect(factLines(name, value)).toEqual(lines));
