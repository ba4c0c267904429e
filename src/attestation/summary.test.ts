import { describe, expect, test } from "vitest";
import { CHECK_TIMES, nextState, summarize, type CheckState } from "./summary.ts";
import type { CheckStatus, Summary } from "./types.ts";

test.each<[CheckStatus[], Summary]>([
  [["pass", "pass", "warn"], "verified"],
  [["pass", "fail", "temperror"], "broken"],
  [["pass", "temperror"], "unknown"],
  [[], "unknown"],
])("%j together are %s", (statuses, summary) => {
  expect(summarize(statuses.map((status) => ({ check: "mx", status, findings: [], at: 0 })))).toBe(summary);
});

describe("what is believed after a check", () => {
  const minute = 60_000;
  const fresh: CheckState = { summary: "unknown", failures: 0, failingSince: null, nextCheckAt: 0 };
  /** Each step: minutes since the start, what was seen; the end: what is believed, and minutes to the next check. */
  const cases: [string, [number, Summary][], Summary, number][] = [
    ["new and in order", [[0, "verified"]], "verified", 360],
    ["new and failing: not verified", [[0, "broken"]], "unknown", 10],
    [
      "new and failing for an hour",
      [
        [0, "broken"],
        [60, "broken"],
      ],
      "broken",
      10,
    ],
    [
      "one failure does not break",
      [
        [0, "verified"],
        [360, "broken"],
      ],
      "verified",
      10,
    ],
    [
      "two close failures do not",
      [
        [0, "verified"],
        [360, "broken"],
        [370, "broken"],
      ],
      "verified",
      10,
    ],
    [
      "two, an hour apart, do",
      [
        [0, "verified"],
        [360, "broken"],
        [420, "broken"],
      ],
      "broken",
      10,
    ],
    [
      "a pass in between starts anew",
      [
        [0, "verified"],
        [1, "broken"],
        [50, "verified"],
        [61, "broken"],
      ],
      "verified",
      10,
    ],
    [
      "silence is no failure",
      [
        [0, "verified"],
        [360, "unknown"],
        [420, "unknown"],
      ],
      "verified",
      10,
    ],
    [
      "silence between failures changes nothing",
      [
        [0, "verified"],
        [1, "broken"],
        [30, "unknown"],
        [61, "broken"],
      ],
      "broken",
      10,
    ],
    [
      "broken and silent stays broken",
      [
        [0, "broken"],
        [60, "broken"],
        [70, "unknown"],
      ],
      "broken",
      10,
    ],
    [
      "repaired at once",
      [
        [0, "broken"],
        [60, "broken"],
        [70, "verified"],
      ],
      "verified",
      360,
    ],
    [
      "broken for long is asked rarely",
      Array.from({ length: 145 }, (_, n) => [n * 10, "broken"] as const).map(([m, s]) => [m, s]),
      "broken",
      360,
    ],
  ];
  test.each(cases)("%s", (_, steps, summary, next) => {
    let state = fresh;
    for (const [at, seen] of steps) state = nextState(state, seen, at * minute, CHECK_TIMES);
    expect(state.summary).toBe(summary);
    expect((state.nextCheckAt - steps.at(-1)![0] * minute) / minute).toBe(next);
  });
});
