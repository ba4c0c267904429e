import { expect, test } from "vitest";
import { decide } from "./decide.ts";
import type { WarmupLeft } from "./limits.ts";
import { base, DAY, HOUR, now } from "./policy.fixture.ts";

const SOON = now + 10 * 60_000;
const LATER = now + 9 * HOUR;

type Case = [string, WarmupLeft | undefined, number, ["accept" | "defer", RegExp]];

test.each<Case>([
  ["warm addresses", undefined, 100, ["accept", /^OK/]],
  ["room for all of them", { left: 10, daily: 100, nextAt: LATER }, 10, ["accept", /^OK/]],
  [
    "no room for the last",
    { left: 10, daily: 100, nextAt: LATER },
    11,
    ["defer", /100 recipients a day to gmail while our addresses are new there, try again in 32400 s/],
  ],
  ["no room, and midnight is near: it waits", { left: 0, daily: 100, nextAt: SOON }, 1, ["accept", /^OK/]],
  [
    "more at once than a day holds is put off, not refused for good",
    { left: 80, daily: 80, nextAt: LATER },
    81,
    ["defer", /over-provider-limit/],
  ],
  [
    "more than a day holds, just before the next: it waits",
    { left: 80, daily: 80, nextAt: SOON },
    81,
    ["accept", /^OK/],
  ],
  [
    "no address in use",
    { left: 0, daily: 0, nextAt: LATER },
    1,
    ["defer", /no sending address of ours is in use/],
  ],
])("%s", (_, left, recipients, [outcome, text]) => {
  const member = { ...base.member, tier: "trusted" as const };
  const decision = decide({
    ...base,
    member,
    recipients,
    recipientDomains: Array<string>(recipients).fill("gmail.test"),
    poolLimits: { providerOf: () => "gmail", warmup: () => left },
  });
  expect(decision.outcome).toBe(outcome);
  expect(decision.text).toMatch(text);
  if (outcome === "defer") expect(decision).toMatchObject({ code: 451, reason: "over-provider-limit" });
});

test("a login code is asked for as one, and other providers are not asked about", () => {
  const asked: [string, boolean][] = [];
  const poolLimits = {
    providerOf: (name: string) => (name === "gmail.test" ? "gmail" : undefined),
    warmup: (provider: string, urgent: boolean) => {
      asked.push([provider, urgent]);
      return undefined;
    },
  };
  decide({ ...base, recipientDomains: ["gmail.test"], poolLimits });
  decide({ ...base, recipients: 2, recipientDomains: ["gmail.test", "elsewhere.test"], poolLimits });
  expect(asked).toEqual([
    ["gmail", true],
    ["gmail", false],
  ]);
});

test("what was accepted of a day counts although it has not left", () => {
  const day = { left: 60, daily: 60, nextAt: now + DAY };
  const poolLimits = { providerOf: () => "gmail", warmup: () => day };
  const member = { ...base.member, tier: "trusted" as const };
  const half = {
    ...base,
    member,
    recipients: 40,
    recipientDomains: Array<string>(40).fill("gmail.test"),
    poolLimits,
  };
  const full = (now + (40 * DAY) / 60) as number;
  expect(decide({ ...half, limits: { "warmup:gmail:day": full } })).toMatchObject({
    outcome: "defer",
    reason: "over-provider-limit",
  });
});
