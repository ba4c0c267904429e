import { expect, test } from "vitest";
import { isoTimes } from "./iso-times.ts";

const NOON = Date.UTC(2026, 0, 1, 12);
const SAID = "2026-01-01T12:00:00.000Z";

test.each<[string, unknown, unknown]>([
  ["a name that ends in At", { receivedAt: NOON }, { receivedAt: SAID }],
  [
    "the other names",
    { at: NOON, asOf: NOON, now: NOON, since: NOON, until: NOON },
    { at: SAID, asOf: SAID, now: SAID, since: SAID, until: SAID },
  ],
  ["inside lists and objects", [{ end: { at: NOON } }], [{ end: { at: SAID } }]],
  ["what is said already, and nothing", { at: SAID, endedAt: null }, { at: SAID, endedAt: null }],
  [
    "a duration, a count, a cursor",
    { durationMs: 5, next: 7, atoms: 1 },
    { durationMs: 5, next: 7, atoms: 1 },
  ],
  ["no date", { at: Infinity }, { at: null }],
  ["no object", "x", "x"],
])("%s", (_, value, expected) => expect(isoTimes(value)).toEqual(expected));
