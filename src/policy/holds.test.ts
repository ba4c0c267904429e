import { expect, test } from "vitest";
import { secretMatches } from "./credential.ts";
import { coveringDomain } from "./domains.ts";
import { whyHeld } from "./holds.ts";
import { credential, member } from "./policy.fixture.ts";
import type { CredentialPolicy, MemberPolicy } from "./types.ts";

const own = (change: Partial<CredentialPolicy>) => ({ credentials: [{ ...credential, ...change }] });

test.each<[string, Partial<MemberPolicy>, string, string | null, string | undefined]>([
  ["good", {}, "member.test", "c1", undefined],
  ["mail of the relay itself", own({ revoked: true }), "member.test", null, undefined],
  ["suspended", { standing: "suspended" }, "member.test", "c1", "policy suspended"],
  ["ejected", { standing: "ejected" }, "member.test", "c1", "policy ejected"],
  ["left", { membership: "left" }, "member.test", "c1", "policy left"],
  ["an applicant", { membership: "applicant" }, "member.test", "c1", "policy applicant"],
  ["paused", { paused: true }, "member.test", "c1", "policy paused"],
  ["credential paused", own({ paused: true }), "member.test", "c1", "policy paused"],
  [
    "another credential paused",
    { credentials: [credential, { ...credential, id: "c2", paused: true }] },
    "member.test",
    "c1",
    undefined,
  ],
  ["of a credential that is gone", {}, "member.test", "c2", "policy revoked"],
  ["stopped by the breaker", own({ breaker: "content" }), "member.test", "c1", "breaker content"],
  ["the member, by the breaker", { breaker: "first-contact" }, "member.test", "c2", "breaker first-contact"],
  ["by both", { paused: true, ...own({ breaker: "content" }) }, "member.test", "c1", "breaker content"],
  ["revoked", own({ revoked: true, revokedAt: 5 }), "member.test", "c1", "policy revoked"],
  [
    "revoked after a resumption",
    own({ revoked: true, revokedAt: 5, resumedUpTo: 4 }),
    "member.test",
    "c1",
    "policy revoked",
  ],
  [
    "replaced by who said yes",
    own({ revoked: true, revokedAt: 5, resumedUpTo: 5 }),
    "member.test",
    "c1",
    undefined,
  ],
  ["stolen", own({ revoked: true, revokedAt: 5, stolen: true }), "member.test", "c1", "policy revoked"],
  [
    "stolen, and resumed since",
    own({ revoked: true, revokedAt: 5, stolen: true, resumedUpTo: 9 }),
    "member.test",
    "c1",
    "policy revoked",
  ],
  [
    "stolen, and stopped by the breaker",
    own({ revoked: true, revokedAt: 5, stolen: true, breaker: "content" }),
    "member.test",
    "c1",
    "policy revoked",
  ],
  ["domain held", {}, "broken.test", "c1", "policy domain-held"],
  ["domain gone", {}, "gone.test", "c1", "policy domain-held"],
])("what is in the spool may leave: %s", (_name, change, from, id, expected) => {
  const hold = whyHeld({ ...member, ...change }, from, id);
  expect(hold && `${hold.owner} ${hold.reason}`).toBe(expected);
});

test("coveringDomain takes the nearest", () => {
  expect(coveringDomain(["b.test", "a.b.test"], "X.A.b.test")).toBe("a.b.test");
  expect(coveringDomain([], "b.test")).toBeUndefined();
});

test("secrets match only under their own name", () => {
  expect(secretMatches("u1", "secret", credential.hash)).toBe(true);
  expect(secretMatches("u1", "Secret", credential.hash)).toBe(false);
  expect(secretMatches("u2", "secret", credential.hash)).toBe(false);
  expect(secretMatches("u1", "secret", "")).toBe(false);
});
