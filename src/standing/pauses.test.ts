import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import { createPauses, pauseMigration, resumption, type NewPause, type Pauses } from "./pauses.ts";

describe("who may end a pause, and how", () => {
  const breaker = { by: null, end: null };
  const person = { by: "ada", end: null };
  const over = { by: null, end: { at: 1, by: "x", how: "resumed" as const, reason: "" } };
  test.each([
    ["the breaker's, by the committee", breaker, "committee", "resumed", { mail: "release", replace: false }],
    [
      "the breaker's: it was the member",
      breaker,
      "member",
      "this-was-me",
      { mail: "release", replace: true },
    ],
    ["the breaker's: it was not", breaker, "member", "this-was-not-me", { mail: "drop", replace: true }],
    ["the breaker's, without an answer", breaker, "member", "resumed", { refused: "not-answered" }],
    ["a person's, by the member", person, "member", "this-was-me", { refused: "not-yours" }],
    ["a person's, by the committee", person, "committee", "resumed", { mail: "release", replace: false }],
    ["one that is over", over, "member", "this-was-me", { refused: "over" }],
    ["one that is over, by the committee", over, "committee", "resumed", { refused: "over" }],
  ] as const)("%s", (_, pause, who, answer, expected) => {
    expect(resumption(pause, who, answer)).toMatchObject(expected);
  });
});

describe("pauses", () => {
  const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
  let db: Database;
  let pauses: Pauses;
  beforeEach(() => {
    db = new Database(":memory:", [pauseMigration]);
    pauses = createPauses(db);
  });
  afterEach(() => db.close());

  const begin = (at: number, more: Partial<NewPause> = {}) =>
    pauses.begin({
      did,
      credential: "c1",
      cause: "content",
      at,
      facts: { held: 3 },
      by: null,
      reason: "",
      ...more,
    });
  const end = (id: number, how: "resumed" | "this-was-me" | "this-was-not-me" = "resumed") =>
    pauses.end(id, { at: 99, by: "ada", how, reason: "why" }, undefined);

  test("hold until they end, and then nodes learn up to when", () => {
    const pause = begin(10)!;
    expect(pauses.stateOf(did, "c1")).toEqual({ paused: true });
    expect([pauses.stateOf(did, "c2"), pauses.stateOf(did, null)]).toEqual([{}, {}]);
    end(pause.id);
    expect(pauses.stateOf(did, "c1")).toEqual({ resumedUpTo: 10 });
    expect(pauses.get(pause.id)).toMatchObject({ facts: { held: 3 }, end: { by: "ada", reason: "why" } });
  });

  test("told twice, or by another node later, are one; its end covers both", () => {
    const pause = begin(10)!;
    expect([begin(10), begin(20)]).toEqual([undefined, undefined]);
    end(pause.id);
    expect(pauses.stateOf(did, "c1")).toEqual({ resumedUpTo: 20 });
    expect([begin(10), begin(20)]).toEqual([undefined, undefined]);
    expect(begin(21)).toBeDefined();
  });

  test("what somebody else sent gets no yes, and does not begin again", () => {
    end(begin(10)!.id, "this-was-not-me");
    expect(pauses.stateOf(did, "c1")).toEqual({});
    expect(begin(10)).toBeUndefined();
  });

  test("a person's stands beside the breaker's, and says nothing to nodes when it ends", () => {
    const own = begin(10)!;
    const persons = begin(20, { by: "ada", cause: "person" })!;
    end(own.id);
    expect(pauses.stateOf(did, "c1")).toEqual({ paused: true, resumedUpTo: 10 });
    end(persons.id);
    expect(pauses.stateOf(did, "c1")).toEqual({ resumedUpTo: 10 });
  });

  test("an open one is shown however many have ended since", () => {
    const open = begin(1, { credential: "c2" })!;
    for (let at = 10; at < 60; at += 10) end(begin(at)!.id);
    expect(pauses.of(did, 3).map(({ id }) => id)).toEqual([open.id, 6, 5, 4]);
  });

  test("an end is not overwritten, and its command waits until it was told", () => {
    const pause = begin(10)!;
    pauses.end(pause.id, { at: 1, by: "ada", how: "this-was-not-me", reason: "" }, [{ action: "drop" }]);
    end(pause.id);
    expect(pauses.get(pause.id)?.end).toMatchObject({ at: 1, how: "this-was-not-me" });
    expect(pauses.untold()).toEqual([{ id: pause.id, command: [{ action: "drop" }] }]);
    pauses.told(pause.id);
    expect(pauses.untold()).toEqual([]);
  });
});
