import { expect, test } from "vitest";
import type { TlsVerdict } from "../../transport/index.ts";
import type { Job } from "./job.ts";
import { lower, raise, suits, wantsSession } from "./lane.ts";
import type { Way } from "./ways.ts";

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

test.each<[string, shown: boolean, most: number, name: string, suits: boolean]>([
  ["all that it needs", true, 10, "mx.test", true],
  ["not the TLS that it needs", false, 10, "mx.test", false],
  ["too little room", true, 9, "mx.test", false],
  ["another host than any of its domain", true, 10, "mx2.test", false],
])("a job for an open connection that has %s", (_name, shown, most, name, expected) => {
  const way = { host: { name: "mx.test" }, tls: { need: {} } } as Way;
  const own = { host: { name }, tls: { need: {} } } as Way;
  const message = { size: 10, eightBit: false, smtpUtf8: false };
  const job = { ways: { open: [own] }, leased: { message, address: "a@b.test" } } as unknown as Job;
  const refusal = { code: 552, enhanced: "5.3.4", text: "", phase: "mail" } as const;
  const conversation = {
    judge: (): TlsVerdict =>
      shown ? { ok: true } : { ok: false, type: "validation-failure", why: "", permanent: false },
    lacking: ({ size }: { size: number }) => (size > most ? refusal : undefined),
  };
  expect(suits(conversation, way)(job)).toBe(expected);
});
