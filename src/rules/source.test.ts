import { expect, test } from "vitest";
import { ruleSource } from "./source.ts";

const files = {
  "a.sml": 'A = Rule(when_all=[True], description="a")\n',
  "b.sml":
    'X = 1\nB = Rule(\n  # not this one :)\n  when_all=[(X == 1)],\n  description="closed ) here",\n)\nC = 2\n',
};

test.each([
  ["A", 'A = Rule(when_all=[True], description="a")'],
  ["B", 'B = Rule(\n  # not this one :)\n  when_all=[(X == 1)],\n  description="closed ) here",\n)'],
  ["C", undefined],
  ["Missing", undefined],
])("%s", (rule, expected) => expect(ruleSource(files, rule)).toBe(expected));
