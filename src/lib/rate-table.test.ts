import { expect, test } from "vitest";
import { createRateTable } from "./rate-table.ts";

const bucket = { limit: 60, periodMs: 60_000, burst: 2 };

test("each key has a bucket of its own, which fills again", () => {
  const table = createRateTable(bucket, 10);
  expect([table.take("a", 0).ok, table.take("a", 0).ok, table.take("b", 0).ok]).toEqual([true, true, true]);
  expect(table.take("a", 0)).toEqual({ ok: false, retryAfterMs: 1000 });
  expect(table.take("a", 1000).ok).toBe(true);
});

test("a refusal uses nothing up", () => {
  const table = createRateTable(bucket, 10);
  for (let i = 0; i < 100; i++) table.take("a", 0);
  expect(table.take("a", 1000).ok).toBe(true);
});

test("asking takes nothing", () => {
  const table = createRateTable(bucket, 10);
  for (let i = 0; i < 100; i++) expect(table.ask("a", 0).ok).toBe(true);
  expect([table.take("a", 0).ok, table.ask("a", 0).ok, table.take("a", 0).ok]).toEqual([true, true, true]);
  expect(table.ask("a", 0)).toEqual({ ok: false, retryAfterMs: 1000 });
  expect(table.size).toBe(1);
});

test("it holds so many keys, and forgets the one used longest ago", () => {
  const table = createRateTable(bucket, 3);
  for (const key of ["a", "b", "c"]) for (let i = 0; i < 2; i++) table.take(key, 0);
  expect(table.take("a", 0).ok).toBe(false);
  table.take("d", 0);
  expect(table.size).toBe(3);
  expect(table.take("a", 0).ok).toBe(false);
  expect(table.take("b", 0).ok).toBe(true);
  for (let i = 0; i < 10_000; i++) table.take(`k${i}`, 0);
  expect(table.size).toBe(3);
});

test("a clock that was ahead fills a bucket, and no more", () => {
  const table = createRateTable(bucket, 10);
  table.take("a", 30 * 86_400_000);
  expect(table.take("a", 0)).toEqual({ ok: false, retryAfterMs: 1000 });
  expect(table.take("a", 1000).ok).toBe(true);
});
