import { expect, test } from "vitest";
import { compileSet, rulesOf } from "./program.ts";

const files = {
  "main.sml": 'A = Rule(when_all=[True], description="a")\nRequire(rule="b.sml")\n',
  "b.sml":
    'X = 1\nB = Rule(\n  # not this one :)\n  when_all=[(X == 1)],\n  description=f"closed ) here {X}",\n)\nC = 2\n',
};
const rules = rulesOf(compileSet({ files, labels: null }));

test.each([
  ["A", "main.sml", 1, "a", 'A = Rule(when_all=[True], description="a")'],
  [
    "B",
    "b.sml",
    2,
    "closed ) here {X}",
    'B = Rule(\n  # not this one :)\n  when_all=[(X == 1)],\n  description=f"closed ) here {X}",\n)',
  ],
])("%s", (name, file, line, description, source) =>
  expect(rules.find((rule) => rule.name === name)).toEqual({ name, file, line, description, source }),
);

test("only rules are rules", () => expect(rules.map((rule) => rule.name)).toEqual(["B", "A"]));
