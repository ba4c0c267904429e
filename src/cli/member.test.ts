import { expect, test } from "vitest";
import { connectionTest } from "./connection-test.ts";
import { stateOf } from "./member.ts";
import { sendTest } from "./send-test.ts";

test.each([
  ["member", "good", false, "good"],
  ["member", "good", true, "paused"],
  ["member", "probation", true, "paused"],
  ["member", "suspended", true, "suspended"],
  ["member", "ejected", true, "ejected"],
  ["applicant", "good", true, "applicant"],
  ["left", "suspended", false, "left"],
])("a %s, %s, paused %s, is listed as %s", (membership, standing, paused, expected) => {
  expect(stateOf({ membership, standing, paused })).toBe(expected);
});

const gone = { ca: "/nowhere/ca.pem" };
test.each<[string, () => Promise<number>]>([
  ["connection-test", () => connectionTest("mx.coop.test", { ...gone, timeout: "1", json: true })],
  [
    "send-test",
    () =>
      sendTest("a@b.test", { ...gone, url: "smtps://u:p@mx.coop.test:465", from: "a@b.test", json: true }),
  ],
])("%s says that the file of --ca cannot be read", async (_, command) => {
  await expect(command()).rejects.toMatchObject({ message: expect.stringContaining("(ENOENT)"), exit: 2 });
});
