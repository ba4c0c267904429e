import { describe, expect, test } from "vitest";
import { explainFailure, explainProblem } from "./fault.ts";
import { retryAfter } from "./transport.ts";

const problem = (type: string, status = 403) => ({
  type: type === "" ? "" : `urn:ietf:params:acme:error:${type}`,
  status,
  detail: "as it says",
  retryAfterMs: 7,
});

describe("what an authority refuses, with what to do", () => {
  test.each([
    ["connection", /http:\/\/mail\.test\/\.well-known.*port 80/],
    ["unauthorized", /port 80/],
    ["dns", /publish its A and AAAA/],
    ["caa", /CAA/],
    ["rateLimited", /asks to wait/],
    ["externalAccountRequired", /ATMOS_ACME_EAB_KID/],
    ["badNonce", /nonce/],
    ["rejectedIdentifier", /ATMOS_ACME_NAMES/],
    ["invalidContact", /ATMOS_ACME_CONTACT/],
    ["userActionRequired", /person/],
    ["malformed", /ATMOS_ACME_DIRECTORY/],
    ["", /ATMOS_ACME_DIRECTORY/],
  ])("%s", (type, words) => {
    const fault = explainProblem(problem(type), "mail.test");
    expect(fault.text).toMatch(words);
    expect(fault.text).toMatch(/\(The authority said: as it says\)$/);
    expect(fault.retryAfterMs).toBe(7);
  });
  test("a fault of its own", () =>
    expect(explainProblem(problem("serverInternal", 500), "mail.test").text).toMatch(/of its own/));
});

describe("what keeps us from asking", () => {
  test.each([
    [{ code: "ENOTFOUND", message: "x" }, /does not resolve/],
    [{ code: "ECONNREFUSED", message: "x" }, /nothing listens/],
    [{ code: "SELF_SIGNED_CERT_IN_CHAIN", message: "x" }, /ATMOS_ACME_CA_FILE/],
    [{ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", message: "x" }, /ATMOS_ACME_CA_FILE/],
    [{ message: "it hung up" }, /https:\/\/ca\.test\/dir: it hung up/],
  ])("%j", (error, words) => expect(explainFailure(error, "https://ca.test/dir").text).toMatch(words));
});

test.each([
  [undefined, 0],
  ["120", 120_000],
  ["0", 0],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 60_000],
  ["Wed, 31 Dec 1969 00:00:00 GMT", 0],
  ["soon", 0],
  [["1", "2"], 0],
])("Retry-After %j", (header, ms) => expect(retryAfter(header, 0)).toBe(ms));
