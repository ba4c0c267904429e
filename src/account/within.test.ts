import { expect, test, vi } from "vitest";
import { within } from "./within.ts";

test("gives what comes in time, and what fails in time", async () => {
  expect(await within(1_000, Promise.resolve(1))).toBe(1);
  await expect(within(1_000, Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("ends in time, and hands over what comes late", async () => {
  const late = vi.fn();
  const { promise, resolve } = Promise.withResolvers<number>();
  await expect(within(10, promise, late)).rejects.toMatchObject({ name: "TimeoutError" });
  resolve(2);
  await expect.poll(() => late.mock.calls).toEqual([[2]]);
});

test("a failure that comes late is nobody's", async () => {
  const { promise, reject } = Promise.withResolvers<number>();
  await expect(within(10, promise)).rejects.toMatchObject({ name: "TimeoutError" });
  reject(new Error("late"));
  await expect(promise).rejects.toThrow("late");
});
