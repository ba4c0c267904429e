import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

test.each<[string, number[], number[][]]>([
  ["what fits runs at once", [3, 3, 4], [[0, 1, 2]]],
  ["what does not waits, and what comes behind waits too", [8, 8, 1], [[0], [1, 2]]],
  ["what is larger than all runs alone", [1, 30, 1], [[0], [1], [2]]],
])("%s", async (_, sizes, rounds) => {
  const run = createTurns(10);
  const begun: number[] = [];
  const ends = sizes.map(() => Promise.withResolvers<void>());
  const all = sizes.map((size, i) =>
    run(size, () => {
      begun.push(i);
      return ends[i]!.promise;
    }),
  );
  let sofar: number[] = [];
  for (const round of rounds) {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    sofar = [...sofar, ...round];
    expect(begun).toEqual(sofar);
    for (const i of round) ends[i]!.resolve();
  }
  await Promise.all(all);
});

test("a task that fails makes room too", async () => {
  const run = createTurns(1);
  await expect(run(1, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await run(1, async () => "next")).toBe("next");
});
