import { expect, test } from "vitest";
import { guardShrink } from "./guard.ts";
import type { Change, Listing } from "./store.ts";

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const listing = (key: string): Listing => ({
  key,
  did: "did:plc:a",
  code: "127.0.6.1",
  text: "",
  json: "{}",
});
const gone = (n: number, { lapsed = true, since = NOW } = {}): Change[] =>
  Array.from({ length: n }, (_, i) => ({
    key: `${lapsed}${since}-${i}.test`,
    since,
    lapsed,
    wanted: undefined,
    listed: listing(`${i}`),
  }));
const added: Change = {
  key: "new.test",
  since: NOW,
  lapsed: false,
  wanted: listing("new"),
  listed: undefined,
};

test.each<[string, Change[], number, [accepted: number, held: number]]>([
  ["nothing", [], 100, [0, 0]],
  ["ten of ten lapse", gone(10), 10, [10, 0]],
  ["eleven of eleven lapse", gone(11), 11, [0, 11]],
  ["a fifth lapses", gone(20), 100, [20, 0]],
  ["more than a fifth lapses", gone(21), 100, [0, 21]],
  ["all are taken back", gone(100, { lapsed: false }), 100, [100, 0]],
  [
    "many lapse, some are taken back, one is new",
    [...gone(50), ...gone(5, { lapsed: false }), added],
    100,
    [6, 50],
  ],
  ["many lapsed a day ago", gone(50, { since: NOW - 24 * HOUR }), 100, [50, 0]],
  ["some a day ago, some now", [...gone(30, { since: NOW - 25 * HOUR }), ...gone(30)], 100, [30, 30]],
])("%s", (_, changes, listed, expected) => {
  const { accepted, held, why } = guardShrink(changes, listed, NOW);
  expect([accepted.length, held.length]).toEqual(expected);
  expect(why === undefined).toBe(held.length === 0);
});
