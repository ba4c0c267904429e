import { expect, test } from "vitest";
import { MOST_VOUCHES, vouchRefusal, type VouchFacts, type VouchRefusal } from "./vouches.ts";

const may: VouchFacts = {
  member: { membership: "member", standing: "good" },
  isSelf: false,
  applicant: "applicant",
  again: false,
  open: 0,
};

test.each<[string, Partial<VouchFacts>, VouchRefusal | undefined]>([
  ["a member in good standing", {}, undefined],
  ["no member", { member: undefined }, "not-good"],
  ["an applicant", { member: { membership: "applicant", standing: "good" } }, "not-good"],
  ["who has left", { member: { membership: "left", standing: "good" } }, "not-good"],
  ["who is warned", { member: { membership: "member", standing: "warned" } }, "not-good"],
  ["for itself", { isSelf: true, applicant: "member" }, "own"],
  ["for nobody", { applicant: undefined }, "no-applicant"],
  ["for a member", { applicant: "member" }, "no-applicant"],
  ["for who was declined", { applicant: "left" }, "no-applicant"],
  ["twice", { again: true }, "again"],
  ["the last that may wait", { open: MOST_VOUCHES - 1 }, undefined],
  ["one too many", { open: MOST_VOUCHES }, "too-many"],
])("%s", (_, change, refusal) => {
  expect(vouchRefusal({ ...may, ...change })).toBe(refusal);
});
