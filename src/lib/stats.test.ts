import { expect, test } from "vitest";
import { betaCdf, probabilityAbove } from "./stats.ts";

/** Closed forms: I_x(1,b) = 1-(1-x)^b, I_x(a,1) = x^a, and the binomial sum for whole parameters. */
test.each([
  [0.05, 1, 49, 1 - 0.95 ** 49],
  [0.3, 4, 1, 0.3 ** 4],
  [0.5, 2, 2, 0.5],
  [0.25, 3, 5, binomialTail(0.25, 3, 5)],
  [0.05, 11, 240, binomialTail(0.05, 11, 240)],
])("betaCdf(%f, %i, %i)", (x, a, b, expected) => {
  expect(betaCdf(x, a, b)).toBeCloseTo(expected, 10);
});

function binomialTail(x: number, a: number, b: number): number {
  const n = a + b - 1;
  let sum = 0;
  for (let j = a; j <= n; j++) {
    let term = 1;
    for (let k = 1; k <= j; k++) term *= ((n - j + k) / k) * x;
    sum += term * (1 - x) ** (n - j);
  }
  return sum;
}

test("little evidence proves little, more of the same rate proves more", () => {
  const prior = { a: 1, b: 49 };
  const few = probabilityAbove(0.05, 1, 13, prior);
  const many = probabilityAbove(0.05, 16, 200, prior);
  expect(few).toBeLessThan(0.3);
  expect(many).toBeGreaterThan(few);
  expect(probabilityAbove(0.05, 30, 200, prior)).toBeGreaterThan(0.99);
});
