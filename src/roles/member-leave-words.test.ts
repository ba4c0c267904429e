import { expect, test } from "vitest";
import { consequencesOf, keptParts, type LeavingFacts } from "./member-leave-words.ts";

const facts: LeavingFacts = {
  membership: "member",
  standing: "good",
  domains: ["ada.test"],
  credentials: 2,
  waiting: 0,
  labels: 3,
  people: 0,
  tokens: 0,
  hasWebhook: false,
};

test.each<[string, Partial<LeavingFacts>, string, RegExp | undefined]>([
  ["no domain", { domains: [] }, "Domains", /^There is none/],
  ["one domain", {}, "Domain", /^ada\.test: free at once .* private keys are destroyed/],
  ["two domains", { domains: ["a.test", "b.test"] }, "Domains", /^a\.test, b\.test:/],
  ["credentials", {}, "Credentials", /^2 credentials revoked/],
  ["one credential", { credentials: 1 }, "Credentials", /^1 credential revoked/],
  ["no credential", { credentials: 0 }, "Credentials", /^None/],
  ["mail waits", { waiting: 1 }, "Mail under way", /^To 1 recipient mail still waits/],
  ["none waits", {}, "Mail under way", /^None waits/],
  ["the relay runs elsewhere", { waiting: null }, "Mail under way", /is held and does not leave/],
  ["no label", { labels: 0 }, "Labels", /^None is in force/],
  ["labels", {}, "Labels", /^Those of a member are negated/],
  ["people", { people: 3 }, "People", /^3 people can act for you no more/],
  ["no token", {}, "API tokens", undefined],
  ["tokens", { tokens: 2 }, "API tokens", /^2 tokens deleted/],
  ["no webhook", {}, "Webhook", undefined],
  ["a webhook", { hasWebhook: true }, "Webhook", /asked no more/],
  ["warned", { standing: "warned" }, "Standing", /^It stays "warned"/],
])("%s", (_, change, what, words) => {
  const found = consequencesOf({ ...facts, ...change }).find((one) => one.what === what);
  if (words === undefined) expect(found).toBeUndefined();
  else expect(found?.outcome).toMatch(words);
});

test("what stays says why and until when, with the times of retention", () => {
  const kept = keptParts();
  for (const { what, why, howLong } of kept)
    expect([what, why, howLong].every((text) => text !== "")).toBe(true);
  expect(kept.map(({ howLong }) => howLong)).toEqual(
    expect.arrayContaining(["180 days", "400 days", "1830 days"]),
  );
});
