import { describe, expect, it } from "vitest";
import { allowsCall, allowsWrite, scopeInWords, unknownScope, type RepoAction } from "./scope.ts";

const NSID = "community.email.attestation";

describe("what a scope lets a client write", () => {
  it.each<[string, string, RepoAction, boolean]>([
    ["atproto", NSID, "create", false],
    [`atproto repo:${NSID}`, NSID, "create", true],
    [`atproto repo:${NSID}`, NSID, "delete", true],
    [`atproto repo:${NSID}`, "community.email.other", "create", false],
    [`repo:${NSID}?action=create`, NSID, "create", true],
    [`repo:${NSID}?action=create`, NSID, "update", false],
    [`repo:${NSID}?action=create&action=update`, NSID, "update", true],
    ["repo:*?action=delete", NSID, "delete", true],
    [`repo?collection=a.b.c&collection=${NSID}`, NSID, "update", true],
    [`repo:${NSID}?collection=a.b.c`, NSID, "create", false],
    [`repo:${NSID}?actions=create`, NSID, "create", false],
    [`xrepo:${NSID}`, NSID, "create", false],
    [`repo:${NSID}.more`, NSID, "create", false],
  ])("%s: %s, %s: %s", (scope, collection, action, expected) => {
    expect(allowsWrite(scope, collection, action)).toBe(expected);
  });
});

describe("what a scope lets a client call elsewhere", () => {
  const AUD = "did:web:mail.test";
  it.each<[string, string, string, boolean]>([
    ["atproto", "a.b.apply", AUD, false],
    [`rpc:a.b.apply?aud=${AUD}`, "a.b.apply", AUD, true],
    [`rpc:a.b.apply?aud=${AUD}`, "a.b.leave", AUD, false],
    [`rpc:a.b.apply?aud=${AUD}`, "a.b.apply", "did:web:other.test", false],
    ["rpc:a.b.apply?aud=*", "a.b.apply", AUD, true],
    [`rpc:*?aud=${AUD}%23mail`, "a.b.apply", `${AUD}#mail`, true],
    ["rpc:*?aud=*", "a.b.apply", AUD, false],
    ["rpc:a.b.apply", "a.b.apply", AUD, false],
  ])("%s: %s at %s: %s", (scope, method, aud, expected) => {
    expect(allowsCall(scope, method, aud)).toBe(expected);
  });
});

describe("a scope that somebody asks for", () => {
  it.each([
    ["atproto", undefined],
    [`atproto repo:${NSID}`, undefined],
    ["atproto transition:generic", "transition:generic"],
    ["atproto repo:none", "repo:none"],
    [`atproto repo:${NSID}?action=burn`, `repo:${NSID}?action=burn`],
    ["atproto repo", "repo"],
  ])("%s: %s is not known", (scope, unknown) => expect(unknownScope(scope)).toBe(unknown));

  it("is told in words", () => {
    expect(scopeInWords(`atproto repo:${NSID} rpc:a.b.apply?aud=did:web:mail.test`)).toEqual([
      "Learn who you are: your DID and handle.",
      `Write into your repository (create, update, delete): ${NSID}.`,
      "Call a.b.apply at did:web:mail.test in your name.",
    ]);
  });
});
