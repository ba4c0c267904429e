import { describe, expect, test } from "vitest";
import { OVERLAP_MS, PROPAGATION_MS, rotationSteps, type RotationInput } from "./rotation.ts";

const now = 1_000_000_000;
const active = { state: "active" as const, state_at: 0, seen_at: null };
const next = (seen_at: number | null) => ({ state: "next" as const, state_at: now, seen_at });
const retiring = (state_at: number) => ({ state: "retiring" as const, state_at, seen_at: null });
const hour = PROPAGATION_MS;

describe("what is done with a domain's keys", () => {
  test.each<[string, Partial<RotationInput>, string[]]>([
    ["nothing turns", { keys: [active] }, []],
    ["not published yet", { keys: [active, next(null)], seen: false }, []],
    ["no answer from the DNS", { keys: [active, next(null)], seen: undefined }, []],
    ["seen for the first time", { keys: [active, next(null)], seen: true }, ["saw"]],
    ["half of the pair was seen", { keys: [active, next(now - hour), next(null)], seen: true }, ["saw"]],
    ["seen for less than an hour", { keys: [active, next(now - hour + 1)], seen: true }, []],
    ["seen for an hour", { keys: [active, next(now - hour), next(now - hour)], seen: true }, ["activate"]],
    ["an hour is over, and no answer", { keys: [active, next(now - hour)], seen: undefined }, []],
    ["gone again", { keys: [active, next(now - 5)], seen: false }, ["lost"]],
    ["in a hurry, and seen", { keys: [active, next(null)], seen: true, hurry: true }, ["activate"]],
    ["in a hurry, and not there", { keys: [active, next(null)], seen: false, hurry: true }, []],
    ["nothing signs yet", { keys: [next(null)], seen: true }, ["activate"]],
    ["signatures are on their way", { keys: [active, retiring(now - OVERLAP_MS + 1)] }, []],
    ["the last signature has lapsed", { keys: [active, retiring(now - OVERLAP_MS)] }, ["retire"]],
    ["that needs no DNS", { keys: [active, retiring(now - OVERLAP_MS)], seen: undefined }, ["retire"]],
    [
      "two rotations at once",
      { keys: [active, retiring(now - OVERLAP_MS), next(now - hour)], seen: true },
      ["activate", "retire"],
    ],
  ])("%s", (_, input, expected) => {
    expect(rotationSteps({ keys: [], seen: true, now, hurry: false, ...input })).toEqual(expected);
  });

  test("signatures have lapsed by then", () => {
    expect(OVERLAP_MS).toBeGreaterThan(14 * 86_400_000);
  });
});
