import { expect, test } from "vitest";
import { compileSet, loadRules } from "./index.ts";
import { readRules } from "./conditions.ts";

const rules = new Map(readRules(compileSet(await loadRules("rules"))).map((rule) => [rule.name, rule]));

test("a rule is taken apart into events, comparisons with their numbers, and labels", () => {
  const rule = rules.get("BounceWarning")!;
  expect(rule).toMatchObject({ actions: ["recipient_bounced"], labels: ["bounce-warning"] });
  expect(rule.conditions.map(({ feature, op, operand }) => [feature, op, operand?.value])).toEqual([
    ["SmtpClass", "in", ["bad-domain", "bad-mailbox"]],
    ["IncidentActive", "==", false],
    ["BounceOver5", ">=", 0.99],
    ["BounceRecipients", ">=", 5],
  ]);
});

test("a number brings the reason that stands above it, and no other", () => {
  const [, , certainty, recipients] = rules.get("BounceWarning")!.conditions;
  expect(certainty!.operand!.why).toMatch(/^Warning: how sure we are that more than 5 %/);
  expect(recipients!.operand!.why).toMatch(/^And so many different ones/);
  expect(rules.get("BounceProbation")!.conditions.at(-1)!.operand!.why).toBe("");
});

test("what is compared with something that is no constant is said as it is written", () => {
  const open = rules.get("BreakerConfirmedComplaints")!.conditions.filter((one) => one.operand === null);
  expect(open.map((one) => one.source)).toEqual(["BreakerComplainants >= _complainants_needed"]);
});

test("several events, and labels that several rules give", () => {
  expect(rules.get("BreakerConfirmedBoth")).toMatchObject({
    actions: ["complaint_received", "member_paused", "message_held", "recipient_bounced"],
    labels: ["breaker-confirmed"],
  });
  expect([...rules.values()].filter((rule) => rule.labels.length === 0)).toEqual([]);
});
