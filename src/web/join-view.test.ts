import { expect, test } from "vitest";
import { joinSteps, STEPS, type StepName } from "./join-view.ts";

const facts = (...done: StepName[]) =>
  Object.fromEntries(STEPS.map((name) => [name, done.includes(name)])) as Record<StepName, boolean>;

test.each<[string, StepName[], string]>([
  ["nothing yet", [], "here later later later later later later later"],
  ["a domain that is proved", ["domain"], "done here later later later later later later"],
  ["applied", ["domain", "application"], "done done here later later later later waits"],
  [
    "the credential before the records",
    ["domain", "application", "credential"],
    "done done here later later done later waits",
  ],
  [
    "all but a test and the committee's word",
    ["domain", "application", "records", "attestation", "check", "credential"],
    "done done done done done done here waits",
  ],
  [
    "all but the committee's word",
    ["domain", "application", "records", "attestation", "check", "credential", "test"],
    "done done done done done done done waits",
  ],
  [
    "a member whose record went missing",
    ["domain", "application", "attestation", "check", "credential", "decision"],
    "done done here done done done later done",
  ],
  ["all", [...STEPS], "done done done done done done done done"],
])("%s", (_, done, states) => {
  const steps = joinSteps(facts(...done));
  expect(steps.map(({ name }) => name)).toEqual([...STEPS]);
  expect(steps.map(({ state }) => state).join(" ")).toBe(states);
});
