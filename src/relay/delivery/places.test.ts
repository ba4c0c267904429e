import { describe, expect, test } from "vitest";
import { halved, hasShare, mayWait, placeFor, waitingRoom, type Load, type Place } from "./places.ts";

const load: Load = {
  total: 10,
  most: 200,
  ofProvider: 3,
  mostOfProvider: 10,
  ofAddress: 2,
  mostOfAddress: 5,
};

test.each<[string, Partial<Load>, Place]>([
  ["there is room everywhere", {}, "open"],
  ["all connections are in use", { total: 200 }, "full"],
  ["more than may be, after a change of settings", { total: 300 }, "full"],
  ["the provider bears no more", { ofProvider: 10 }, "provider"],
  ["it bears no more from this address", { ofAddress: 5 }, "address"],
  ["slowed: half of five are two", { mostOfAddress: halved(5) }, "address"],
  ["the whole comes before the parts", { total: 200, ofProvider: 10, ofAddress: 5 }, "full"],
  ["the first of an address that is slowed to one", { ofAddress: 0, mostOfAddress: halved(1) }, "open"],
])("%s", (_name, change, expected) => {
  expect(placeFor({ ...load, ...change })).toBe(expected);
});

/** How many of 100 places each gets, when all want as many as they can have, in turn. */
function shares(members: number, isCode = false): number[] {
  const own = Array<number>(members).fill(0);
  let taken = 0;
  for (let more = true; more;) {
    more = false;
    for (const i of own.keys()) {
      if (!hasShare(own[i]!, taken, 100, isCode)) continue;
      own[i]!++;
      taken++;
      more = true;
    }
  }
  return own;
}

describe("shares of a hundred places", () => {
  test.each<[members: number, isCode: boolean, expected: number[]]>([
    [1, false, [67]],
    [2, false, [40, 40]],
    [4, false, [23, 22, 22, 22]],
    [1, true, [89]],
    [2, true, [48, 47]],
  ])("%i members, login codes: %s", (members, isCode, expected) => {
    expect(shares(members, isCode)).toEqual(expected);
  });

  test("however many there are, each that comes has a place as long as one is free", () => {
    expect(shares(99).every((n) => n >= 1)).toBe(true);
    expect(hasShare(0, 99, 100, false)).toBe(true);
    expect(hasShare(0, 100, 100, true)).toBe(false);
  });

  test("other mail leaves login codes room", () => {
    const taken = shares(1)[0]!;
    expect([hasShare(taken, taken, 100, false), hasShare(taken, taken, 100, true)]).toEqual([false, true]);
  });
});

test.each<[perSecond: number, room: number]>([
  [0, 120],
  [1, 120],
  [20, 200],
  [1_000, 2_000],
])("where %i leave in a second, %i wait in memory", (perSecond, room) => {
  expect(waitingRoom(perSecond)).toBe(room);
});

test.each<[string, own: number, waiting: number, priority: number, expected: boolean]>([
  ["the first", 0, 0, 2, true],
  ["a member with half of it", 99, 99, 1, true],
  ["no more than half", 100, 100, 1, false],
  ["another member's after that", 0, 100, 2, true],
  ["nothing where it is full", 0, 200, 1, false],
  ["a login code where it is full", 150, 1_000, 0, true],
  ["no more than twice the room of one member's", 400, 400, 0, false],
])("%s waits in memory", (_name, own, waiting, priority, expected) => {
  expect(mayWait(own, waiting, 200, priority)).toBe(expected);
});
