import { OAuthCallbackError, OAuthResponseError } from "@atproto/oauth-client-node";
import { expect, test } from "vitest";
import { z } from "zod";
import { reasonOf } from "./reason.ts";

const caused = (by: unknown) =>
  new Error("it failed", { cause: new TypeError("fetch failed", { cause: by }) });
const withCode = (code: string) => Object.assign(new Error("connect"), { code });
const response = (body: object) => new OAuthResponseError(new Response(null, { status: 400 }), body as never);
const callback = (query: string) => new OAuthCallbackError(new URLSearchParams(query));
const notThis = z.object({ a: z.string() }).safeParse({}).error;

test.each<[string, unknown, string | RegExp]>([
  ["time is up", caused(new DOMException("x", "TimeoutError")), "it did not answer in time"],
  ["broken off by us", caused(new DOMException("x", "AbortError")), "it did not answer in time"],
  ["a name without a host", caused(withCode("ENOTFOUND")), "there is no server of that name"],
  ["nobody listens", caused(withCode("ECONNREFUSED")), "nothing answers there"],
  ["too large", caused(new Error("Response too large")), "it answered with more than any login needs"],
  ["sent on", caused(new Error("unexpected redirect")), /sends us on/],
  ["sent on, by status", new Error('Unexpected status code 307 for "x"'), /sends us on/],
  ["a private address", caused(new Error("Hostname resolved to non-unicast address")), /no public https/],
  ["a fault there", new Error('Unexpected status code 503 for "x"'), "it has a fault of its own"],
  ["no OAuth there", new Error('Unexpected status code 404 for "x"'), /does not offer logins/],
  ["no JSON", caused(new SyntaxError("Unexpected token <")), /not what a server of the Atmosphere/],
  ["not its shape", notThis, /not what a server of the Atmosphere/],
  ["refused", response({ error: "invalid_grant", error_description: "too\nlate" }), 'it said "too late"'],
  ["refused without words", response({ error: "invalid_grant" }), 'it said "invalid_grant"'],
  ["refused without anything", response({}), 'it said "no"'],
  ["a nonce again", response({ error: "use_dpop_nonce", error_description: "x" }), /over and over/],
  ["came back", callback("error=server_error&error_description=Lunch"), 'it said "Lunch"'],
  ["another server's", callback("iss=x"), "OAuth callback error"],
  ["unknown", caused(new Error("one\n\u202Etwo")), "one two"],
  ["no error at all", "why", "why"],
])("%s", (_, err, words) => {
  const reason = reasonOf(err);
  if (typeof words === "string") expect(reason).toBe(words);
  else expect(reason).toMatch(words);
});

test("what others say is bounded, and so is a chain of causes that ends in itself", () => {
  expect(reasonOf(response({ error: "e", error_description: "x".repeat(100_000) })).length).toBeLessThan(320);
  const loop = new Error("round");
  loop.cause = loop;
  expect(reasonOf(loop)).toBe("round");
});
