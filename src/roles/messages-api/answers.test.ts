import { expect, test } from "vitest";
import { Database } from "../../platform/database.ts";
import { answerMigration, createAnswers } from "./answers.ts";

const open = () => {
  const db = new Database(":memory:", [answerMigration]);
  return { db, answers: createAnswers(db) };
};
const answer = { status: 202 as const, body: { id: "x" } };

test("one works on a key, others wait, and then all have its answer", () => {
  const { db, answers } = open();
  const claim = answers.claim("c1", "k", "d", 0);
  expect(answers.claim("c1", "k", "d", 0)).toEqual({ is: "in-flight" });
  expect(answers.claim("c1", "k", "other", 0)).toEqual({ is: "other-body" });
  expect(answers.claim("c2", "k", "d", 0)).toMatchObject({ is: "new" });
  if (claim.is === "new") claim.done(answer);
  const later = createAnswers(db);
  expect(later.claim("c1", "k", "d", 1)).toEqual({ is: "again", answer });
  expect(later.claim("c1", "k", "other", 1)).toEqual({ is: "other-body" });
});

test("without an answer the key is free again", () => {
  const { answers } = open();
  const claim = answers.claim("c1", "k", "d", 0);
  if (claim.is === "new") claim.done(undefined);
  expect(answers.claim("c1", "k", "other", 0)).toMatchObject({ is: "new" });
});

test("answers are kept for a day", () => {
  const { db, answers } = open();
  const claim = answers.claim("c1", "k", "d", 0);
  if (claim.is === "new") claim.done(answer);
  const kept = () => db.get<{ n: number }>("SELECT count(*) AS n FROM answer")!.n;
  answers.prune(86_399_999);
  expect([kept(), answers.claim("c1", "k", "d", 86_399_999).is]).toEqual([1, "again"]);
  expect(answers.claim("c1", "k", "d", 86_400_000).is).toBe("new");
  answers.prune(86_400_000);
  expect(kept()).toBe(0);
});
