import { expect, test } from "vitest";
import { explain } from "./failure.ts";

test.each([
  ["550 5.7.1 The certificate of your domain has expired", 550, "rejected"],
  ["550 5.7.1 no altnames", 550, "rejected"],
  ["451 4.7.1 Greylisted, a timeout of five minutes", 451, "busy"],
  ["421 4.3.2 Connection closed, unsupported protocol", 421, "busy"],
  ["535 5.7.8 Authentication failed: ECONNREFUSED by the backend", 535, "login"],
])("the words of a server are not a fault on the way: %s", (response, responseCode, expected) => {
  const fault = { message: `It was refused: ${response}`, response, responseCode };
  expect(explain(fault, { host: "mx.coop.test", port: 465, secure: true }).code).toBe(expected);
});
