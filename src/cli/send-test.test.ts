import { describe, expect, test } from "vitest";
import { explain, readUrl } from "./send-test.ts";

describe("the URL of a PDS", () => {
  test.each([
    ["smtps://u:s@mail.test", { host: "mail.test", port: 465, secure: true, user: "u", pass: "s" }],
    ["smtp://u:s@mail.test", { host: "mail.test", port: 587, secure: false, user: "u", pass: "s" }],
    ["smtps://u%40x:s%3As@[::1]:2465", { host: "::1", port: 2465, secure: true, user: "u@x", pass: "s:s" }],
  ])("%s", (url, expected) => expect(readUrl(url)).toEqual(expected));
  test.each([
    [undefined, /--url/],
    ["mail.test:465", /smtps:\/\//],
    ["https://u:s@mail.test", /begins with https/],
    ["smtps://mail.test", /no user/],
    ["smtps://u:s@mail.test:port", /cannot be read/],
  ])("%s is explained", (url, why) => expect(() => readUrl(url)).toThrow(why));
});

describe("what a failure means", () => {
  const implicit = { host: "mail.test", port: 587, secure: true };
  test.each([
    [
      { message: "SSL routines:ssl3_get_record:wrong version number" },
      implicit,
      /Use smtp:\/\/ for port 587/,
    ],
    [
      { message: "Greeting never received" },
      { ...implicit, secure: false, port: 465 },
      /Use smtps:\/\/ for port 465/,
    ],
    [{ message: "self-signed certificate in certificate chain" }, implicit, /--ca FILE/],
    [{ message: "connect ECONNREFUSED", code: "ESOCKET" }, implicit, /Nothing listens/],
    [{ message: "Connection timeout", code: "ETIMEDOUT" }, implicit, /2465/],
    [{ message: "Invalid login", code: "EAUTH", responseCode: 535 }, implicit, /revoked/],
    [{ message: "no", responseCode: 451 }, implicit, /for the moment/],
    [{ message: "no", responseCode: 550 }, implicit, /for good/],
  ])("%j", (fault, target, why) => expect(explain(fault, target)).toMatch(why));
});
