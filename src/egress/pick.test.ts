import { describe, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { nextDay, pick, room, type Candidate, type PickRequest } from "./pick.ts";
import type { Family } from "./types.ts";

const MIDNIGHT = Date.UTC(2026, 4, 1);
const NOON = MIDNIGHT + DAY_MS / 2;
const BOTH: ReadonlySet<Family> = new Set(["ipv4", "ipv6"]);

const A = "192.0.2.1";
const B = "192.0.2.2";
const SIX = "2001:db8::1";

function candidate(address: string, more: Partial<Candidate> = {}): Candidate {
  return {
    address,
    family: address.includes(":") ? "ipv6" : "ipv4",
    out: undefined,
    outWhy: undefined,
    pausedUntil: undefined,
    pauseWhy: undefined,
    allowance: undefined,
    taken: 0,
    ...more,
  };
}
const cold = (address: string, taken: number, more: Partial<Candidate> = {}) =>
  candidate(address, { allowance: 100, taken, ...more });

type Case = [string, Candidate[], Partial<PickRequest>, string | { at: number; why: string }];

describe("which address a message leaves from", () => {
  test.each<Case>([
    ["the only one", [candidate(A)], {}, A],
    [
      "the system's own choice fits any host",
      [candidate("", { family: undefined })],
      { families: new Set() },
      "",
    ],
    ["of warm ones the one with less today", [candidate(A, { taken: 9 }), candidate(B, { taken: 8 })], {}, B],
    ["a cold one that is behind comes before a warm one", [candidate(A), cold(B, 54)], {}, B],
    ["it gets no more than its hour is worth", [candidate(A), cold(B, 55)], {}, A],
    ["of cold ones the one that is furthest behind", [cold(A, 40), cold(B, 30)], {}, B],
    ["without a warm one the day's rest may go at once", [cold(A, 70), cold(B, 79)], {}, A],
    [
      "the part for codes stays free",
      [cold(A, 80)],
      { priority: 1 },
      { at: nextDay(NOON), why: "midnight UTC" },
    ],
    ["a login code uses it", [cold(A, 80)], { priority: 0 }, A],
    [
      "and when all is used it waits too",
      [cold(A, 100)],
      { priority: 0 },
      { at: nextDay(NOON), why: "today's 100 messages" },
    ],
    ["what is over goes to a warm address", [cold(A, 100), candidate(B)], {}, B],

    ["a retry stays", [candidate(A, { taken: 500 }), candidate(B)], { last: A }, A],
    ["a retry may go a quarter over", [cold(A, 104), candidate(B)], { last: A }, A],
    [
      "past that it waits for its own address",
      [cold(A, 105), candidate(B)],
      { last: A },
      { at: nextDay(NOON), why: "midnight UTC" },
    ],
    ["but a login code does not", [cold(A, 130), candidate(B)], { last: A, priority: 0 }, B],
    [
      "a retry of an address that is out goes elsewhere",
      [candidate(A, { out: "all" }), candidate(B)],
      { last: A },
      B,
    ],
    ["a retry of one that is not ours any more goes anywhere", [candidate(B)], { last: A }, B],
    [
      "a retry waits for the end of its address's pause",
      [candidate(A, { pausedUntil: NOON + 5, pauseWhy: "S3140" }), candidate(B)],
      { last: A },
      { at: NOON + 5, why: "S3140" },
    ],
    [
      "a login code goes elsewhere meanwhile",
      [candidate(A, { pausedUntil: NOON + 5 }), candidate(B)],
      { last: A, priority: 0 },
      B,
    ],

    [
      "a paused one is passed over",
      [candidate(A, { pausedUntil: NOON + 5 }), candidate(B, { taken: 99 })],
      {},
      B,
    ],
    ["a pause that is over is none", [candidate(A, { pausedUntil: NOON })], {}, A],
    [
      "all paused: the first end counts",
      [
        candidate(A, { pausedUntil: NOON + 9 }),
        candidate(B, { pausedUntil: NOON + 5, pauseWhy: "it asked" }),
      ],
      {},
      { at: NOON + 5, why: "it asked" },
    ],
    [
      "paused and used up: what comes first",
      [candidate(A, { pausedUntil: NOON + 9, pauseWhy: "it asked" }), cold(B, 100)],
      {},
      { at: NOON + 9, why: "it asked" },
    ],

    [
      "IPv6 hosts are not reached by IPv4",
      [candidate(A), candidate(SIX)],
      { families: new Set<Family>(["ipv6"]) },
      SIX,
    ],
    [
      "nothing fits",
      [candidate(A)],
      { families: new Set<Family>(["ipv6"]) },
      { at: NOON + 900_000, why: "reached by IPv6" },
    ],
    ["listed, and the last: codes leave", [candidate(A, { out: "codes" })], { priority: 0 }, A],
    [
      "listed, and the last: other mail waits",
      [candidate(A, { out: "codes", outWhy: "on a list" })],
      { priority: 1 },
      { at: NOON + 900_000, why: "on a list" },
    ],
    [
      "all out",
      [candidate(A, { out: "all", outWhy: "held" })],
      { priority: 0 },
      { at: NOON + 900_000, why: "held" },
    ],
  ])("%s", (_, candidates, request, expected) => {
    const picked = pick(candidates, {
      provider: "gmail",
      families: BOTH,
      last: undefined,
      priority: 1,
      now: NOON,
      ...request,
    });
    if (typeof expected === "string") expect(picked).toEqual({ ok: true, address: expected });
    else expect(picked).toEqual({ ok: false, at: expected.at, why: expect.stringContaining(expected.why) });
  });

  test("a day's mail is spread over cold addresses and over the hours", () => {
    const all = [cold(A, 0), cold(B, 0), candidate("192.0.2.3")];
    const request = { provider: "gmail", families: BOTH, last: undefined, priority: 1 };
    const perQuarter: number[][] = [];
    for (let minute = 0; minute < 1_440; minute++) {
      const picked = pick(all, { ...request, now: MIDNIGHT + minute * 60_000 });
      if (!picked.ok) throw new Error(picked.why);
      all.find(({ address }) => address === picked.address)!.taken++;
      if (minute % 360 === 359) perQuarter.push(all.map(({ taken }) => taken));
    }
    expect(perQuarter.map(([a, b]) => Math.abs(a! - b!))).toEqual(
      [0, 0, 0, 0].map(() => expect.toBeOneOf([0, 1])),
    );
    expect(perQuarter.map(([a]) => a)).toEqual([
      expect.closeTo(32, -0.5),
      expect.closeTo(55, -0.5),
      expect.closeTo(77, -0.5),
      80,
    ]);
    expect(all.reduce((sum, { taken }) => sum + taken, 0)).toBe(1_440);
  });

  test("what is left of a day", () => {
    expect(room({ allowance: 100, taken: 30 }, 1)).toBe(50);
    expect(room({ allowance: 100, taken: 30 }, 0)).toBe(70);
    expect(room({ allowance: undefined, taken: 30 }, 1)).toBe(Infinity);
  });
});
