import { describe, expect, test } from "vitest";
import type { Forwarded, Incoming } from "./index.ts";
import {
  returnPath,
  inbox,
  forwards,
  answerForwards,
  deliver,
  events,
  dsn,
  by,
  receive,
  DID,
  letter,
  ada,
  useFeedback,
  readingWith,
} from "./feedback.fixture.ts";

useFeedback();

describe("a reply to a return path", () => {
  test.each<[string, Buffer, Partial<Incoming>, object]>([
    ["of a person", letter(), ada, { outcome: "forwarded" }],
    [
      "that nothing vouches for",
      letter(),
      { ...ada, authentication: by("away.test", "none") },
      { enhanced: "5.7.26" },
    ],
    ["that is forged", letter(), { ...ada, authentication: by("away.test", "fail") }, { enhanced: "5.7.26" }],
    [
      "while the DNS is out",
      letter(),
      { ...ada, authentication: by("away.test", "temperror") },
      { code: 451 },
    ],
    ["of a vacation program", letter("Auto-Submitted: auto-replied"), ada, { outcome: "ignored" }],
    ["of a list", letter("List-Id: <x.away.test>"), ada, { outcome: "ignored" }],
    ["without a sender", letter(), { ...ada, mailFrom: "" }, { outcome: "kept-for-people" }],
    [
      "of a program",
      letter(),
      { ...ada, mailFrom: "MAILER-DAEMON@away.test" },
      { outcome: "kept-for-people" },
    ],
  ])("%s", async (_, raw, more, expected) => {
    await deliver();
    expect(await receive(returnPath, raw, more)).toMatchObject(expected);
    expect(forwards.length).toBe("outcome" in expected && expected.outcome === "forwarded" ? 1 : 0);
    expect(await events()).toEqual([]);
  });

  test("goes to the member's address, with one id however often it comes", async () => {
    for (let n = 0; n < 2; n++) await receive(returnPath, letter(), ada);
    expect(forwards[0]).toMatchObject({
      address: "ops@alder.test",
      member: { did: DID, domain: "alder.test" },
    });
    expect(forwards[1]!.id).toBe(forwards[0]!.id);
  });

  test("is refused in plain words where the member wants none", async () => {
    readingWith({ repliesTo: () => undefined });
    expect(await receive(returnPath, letter(), ada)).toMatchObject({
      outcome: "refused",
      code: 550,
      text: expect.stringMatching(/^This address takes delivery reports only/),
    });
    expect(forwards).toEqual([]);
  });

  test.each<[Forwarded, object]>([
    ["known", { outcome: "forwarded" }],
    ["loop", { outcome: "refused", code: 554 }],
    ["too-much", { outcome: "refused", code: 451 }],
    ["malformed", { outcome: "refused", code: 550 }],
    ["full", { outcome: "full" }],
  ])("%s", async (answer, expected) => {
    answerForwards(answer);
    expect(await receive(returnPath, letter(), ada)).toMatchObject(expected);
  });
});

describe("role mail", () => {
  test.each<[string, string, Buffer, Partial<Incoming>, string, number]>([
    ["of a person", "abuse@coop.test", letter(), ada, "inbox", 1],
    [
      "of nobody known",
      "postmaster@coop.test",
      letter(),
      { ...ada, authentication: by("away.test", "none") },
      "spam",
      0,
    ],
    [
      "while the DNS is out",
      "postmaster@coop.test",
      letter(),
      { ...ada, authentication: by("away.test", "temperror") },
      "inbox",
      1,
    ],
    ["of a program", "postmaster@coop.test", dsn("failed", "5.1.1", "x"), {}, "machine", 0],
    ["of a vacation program", "abuse@coop.test", letter("Auto-Submitted: auto-replied"), ada, "machine", 0],
  ])("%s", async (_, to, raw, more, folder, sent) => {
    expect(await receive(to, raw, more)).toEqual({ outcome: "kept-for-people", entry: 1 });
    expect(inbox.list({})).toMatchObject([{ folder, to, authentication: expect.stringMatching(/^spf=/) }]);
    expect(forwards).toHaveLength(sent);
  });

  test("twice, after a reply that was lost, is one entry and one forward", async () => {
    for (let n = 0; n < 2; n++) await receive("abuse@coop.test", letter(), ada);
    expect(inbox.list({})).toHaveLength(1);
    expect(new Set(forwards.map(({ id }) => id)).size).toBe(1);
  });

  test("that cannot be sent on stands in the inbox all the same", async () => {
    answerForwards("loop");
    expect(await receive("abuse@coop.test", letter(), ada)).toMatchObject({ outcome: "kept-for-people" });
  });
});
