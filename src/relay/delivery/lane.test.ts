import { expect, test } from "vitest";
import { lower, raise, wantsSession } from "./lane.ts";

type Facts = { size: number; codes: number; sessions: number; limit: number };
const facts: Facts = { size: 1, codes: 0, sessions: 0, limit: Infinity };

test.each<[string, Partial<Facts>, wants: boolean, wantsWhereScarce: boolean]>([
  ["nothing waits", { size: 0 }, false, false],
  ["mail waits, and there is no connection", {}, true, true],
  ["one more may find a host that answers", { sessions: 1 }, true, false],
  ["few wait behind two", { sessions: 2, size: 8 }, false, false],
  ["many wait behind two", { sessions: 2, size: 9 }, true, true],
  ["many wait, and the hosts bear no more", { sessions: 2, size: 9, limit: 2 }, false, false],
  ["a login code waits for nobody", { sessions: 3, codes: 1 }, true, false],
  ["more login codes than connections", { sessions: 3, size: 4, codes: 4 }, true, true],
])("%s", (_name, change, wants, wantsWhereScarce) => {
  const { size, codes, sessions, limit } = { ...facts, ...change };
  const lane = { queue: { size, codes }, sessions, limit };
  expect([wantsSession(lane, false), wantsSession(lane, true)]).toEqual([wants, wantsWhereScarce]);
});

test("one connection too many is tried again later, one at a time", () => {
  const lane = { sessions: 9, limit: Infinity, limitedAt: 0 };
  raise(lane, 1_000);
  expect(lane.limit).toBe(Infinity);
  lower(lane, 1_000);
  expect(lane.limit).toBe(8);
  raise(lane, 30_999);
  expect(lane.limit).toBe(8);
  raise(lane, 31_000);
  raise(lane, 31_001);
  expect(lane.limit).toBe(9);
  const last = { sessions: 1, limit: 2, limitedAt: 0 };
  lower(last, 5);
  expect(last.limit).toBe(1);
});
