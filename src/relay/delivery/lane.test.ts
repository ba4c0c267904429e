import { expect, test } from "vitest";
import { wantsSession } from "./lane.ts";

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
