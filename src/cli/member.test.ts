import { expect, test } from "vitest";
import { connectionTest } from "./connection-test.ts";
import { stateOf } from "./member.ts";
import { aboutUrl, sendTest } from "./send-test.ts";
import { readUrl } from "../protocol/submission-check/index.ts";

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

test.each([
  ["quotes around it", (secret: string) => `"smtps://user:${secret}@mx.coop.test:465"`],
  ["no host", (secret: string) => `smtps://user:${secret}`],
  ["in the other's place", (secret: string) => `smtps://${secret}:user@mx.coop.test:465`],
])("what is said of a URL with %s can be shown to others", (_, url) => {
  const secret = `atms_${"a2b3".repeat(11)}abc`;
  const about = aboutUrl(readUrl(url(secret)));
  expect(about.notes.length).toBeGreaterThan(0);
  expect(JSON.stringify(about)).not.toContain("a2b3");
});
