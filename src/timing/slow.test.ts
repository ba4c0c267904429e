import { expect, test } from "vitest";
import { slowPlaces, type CodesAt } from "./slow.ts";

const at = (
  did: string,
  provider: string,
  [known, slow, people = slow, waiting = 0]: [number, number, number?, number?],
): CodesAt => ({ did, provider, known, slow, people, waiting, longestMs: slow * 1_000 });

test.each<[string, CodesAt[], (string | null)[]]>([
  ["nothing", [], []],
  ["all in time", [at("a", "google", [9, 0])], []],
  ["one late of one: greylisted, perhaps", [at("a", "google", [1, 1])], []],
  ["one person, three times", [at("a", "google", [3, 3, 1])], []],
  ["two late of two", [at("a", "google", [2, 2])], ["a google"]],
  ["two late of four", [at("a", "google", [4, 2])], ["a google"]],
  ["two late of five", [at("a", "google", [5, 2])], []],
  ["one each at two providers", [at("a", "google", [1, 1]), at("a", "other", [1, 1])], []],
  ["three members, one each", ["a", "b", "c"].map((did) => at(did, "google", [1, 1])), ["pool google"]],
  [
    "three members, one each, at hosts that are many",
    ["a", "b", "c"].map((did) => at(did, "other", [1, 1])),
    [],
  ],
  ["two members, two people", ["a", "b"].map((did) => at(did, "google", [1, 1])), []],
  [
    "of one member alone: not the pool's",
    [at("a", "google", [5, 5]), at("b", "google", [1, 0])],
    ["a google"],
  ],
  [
    "of several, and of one for itself",
    [at("a", "google", [3, 3]), at("b", "google", [1, 1])],
    ["pool google", "a google"],
  ],
  [
    "few late among many of the pool, half of them with one",
    [at("a", "google", [100, 1]), at("b", "google", [4, 2])],
    ["b google"],
  ],
])("%s", (_, codes, places) => {
  expect(slowPlaces(codes).map(({ did, provider }) => `${did ?? "pool"} ${provider}`)).toEqual(places);
});

test("what is said of the pool is the sum of all", () => {
  const [place] = slowPlaces([at("a", "google", [3, 2, 2, 1]), at("b", "google", [2, 1, 1, 1])]);
  expect(place).toEqual({
    did: null,
    provider: "google",
    known: 5,
    slow: 3,
    people: 3,
    waiting: 2,
    longestMs: 2_000,
  });
});
