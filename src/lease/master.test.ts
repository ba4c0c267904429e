import { describe, expect, test } from "vitest";
import { gcraMost } from "../lib/gcra.ts";
import { limitsOf, MAX_WAIT_MS } from "../policy/index.ts";
import { answerAsk, NEW_SHARE, type Ask, type MasterState, type NodeShare } from "./master.ts";

const NOW = Date.UTC(2026, 0, 1);
const limits = limitsOf({ tier: "new", standing: "good" });
const DAY = 86_400_000;
const ask = (change: Partial<Ask> = {}): Ask => ({
  origin: "a",
  id: 1,
  spent: 0,
  settled: 0,
  want: 20,
  ...change,
});
const share = (change: Partial<NodeShare> = {}): NodeShare => ({
  origin: "a",
  id: 1,
  upTo: 0,
  out: 0,
  ...change,
});
const answer = (of: { state?: MasterState; share?: NodeShare; ask?: Ask }, now = NOW) =>
  answerAsk({ state: {}, share: NEW_SHARE, limits, ask: ask(), ...of }, now)!;
/** Units that are taken from a bucket. */
const taken = (state: MasterState, name: "burst" | "hour" | "day") =>
  Math.round(((state[name] ?? NOW) - NOW) / (limits[name].periodMs / limits[name].limit));

describe("what a node gets", () => {
  test.each<[string, Parameters<typeof answer>[0], number, number, number]>([
    ["what it wants, when nothing was taken", {}, 20, 0, 20],
    ["no more than a burst", { ask: ask({ want: 5_000 }) }, 60, 0, 60],
    ["what it has is part of it", { share: share({ out: 15 }) }, 20, 0, 5],
    [
      "what it spent of that is settled, and filled up",
      { share: share({ out: 20 }), ask: ask({ spent: 12 }) },
      20,
      12,
      12,
    ],
    [
      "what it spent beyond is taken as well",
      { share: share({ out: 5 }), ask: ask({ spent: 12 }) },
      20,
      12,
      27,
    ],
    [
      "asked again it settles nothing more",
      { share: share({ upTo: 12, out: 20 }), ask: ask({ spent: 12 }) },
      20,
      12,
      0,
    ],
    [
      "an older count settles nothing",
      { share: share({ upTo: 12, out: 20 }), ask: ask({ spent: 9 }) },
      20,
      12,
      0,
    ],
    [
      "another count begins at what it knows",
      { share: share({ upTo: 12, out: 9 }), ask: ask({ origin: "b", spent: 3 }) },
      20,
      3,
      23,
    ],
    [
      "a share that core forgot is not settled again",
      { ask: ask({ spent: 500, settled: 498 }) },
      20,
      500,
      22,
    ],
    [
      "who wants nothing gives back",
      { share: share({ out: 15 }), ask: ask({ spent: 5, want: 0 }) },
      0,
      5,
      -10,
    ],
  ])("%s", (_, of, lease, upTo, units) => {
    const { answer: said, state } = answer(of);
    expect(said).toEqual({ upTo, lease, empty: null });
    expect(taken(state, "day")).toBe(units);
    expect(taken(state, "burst")).toBe(units);
  });

  test("the last that there are, and then none until there is one", () => {
    let state: MasterState = {};
    let got = 0;
    for (let i = 0; i < 20; i++) {
      const said = answer({ state, share: share({ upTo: got }), ask: ask({ spent: got, want: 50 }) });
      ({ state } = said);
      got += said.answer.lease;
      if (said.answer.lease > 0) continue;
      expect(got).toBe(gcraMost(Object.values(limits), MAX_WAIT_MS));
      expect(said.answer.empty).toMatchObject({ bucket: "hour" });
      const later = NOW + said.answer.empty!.forMs;
      expect(
        answer({ state, share: share({ upTo: got }), ask: ask({ spent: got }) }, later - 1).answer.lease,
      ).toBe(0);
      expect(
        answer({ state, share: share({ upTo: got }), ask: ask({ spent: got }) }, later).answer.lease,
      ).toBe(1);
      return;
    }
    throw new Error("there was always more");
  });

  test("what was spent before core knew is paid by time: nobody gets anything meanwhile", () => {
    const over = answer({ ask: ask({ spent: 120, want: 20 }) });
    expect(over.answer).toMatchObject({ lease: 0, empty: { bucket: "hour" } });
    const { forMs } = over.answer.empty!;
    // Seventy at most in ten minutes and at once, so fifty-one are waited for, a minute each.
    expect(forMs).toBe(51 * 60_000);
    const soon = answer({ state: over.state, ask: ask({ origin: "b" }) }, NOW + forMs - 60_000);
    expect(soon.answer.lease).toBe(0);
  });

  test("a count that makes no sense locks nobody out for long", () => {
    const absurd = answer({ ask: ask({ spent: 1_000_000_000 }) });
    expect(absurd.answer.empty!.forMs).toBeLessThan(2 * DAY);
    expect(
      answer({ state: absurd.state, ask: ask({ origin: "b" }) }, NOW + 2.1 * DAY).answer.lease,
    ).toBeGreaterThan(0);
  });

  test("an ask that a later one overtook is left out", () => {
    const of = { state: {}, share: share({ id: 2, upTo: 9 }), limits, ask: ask({ spent: 7, want: 0 }) };
    expect(answerAsk(of, NOW)).toBeUndefined();
  });

  test("on probation there is a quarter", () => {
    const few = limitsOf({ tier: "new", standing: "probation" });
    const said = answerAsk({ state: {}, share: NEW_SHARE, limits: few, ask: ask({ want: 500 }) }, NOW)!;
    expect(said.answer.lease).toBe(15);
  });
});
