import { expect, test } from "vitest";
import { connectionTest } from "./connection-test.ts";
import { applicationLines, stateOf } from "./member.ts";
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

test("an application is listed with the members who vouch for it", () => {
  const application = {
    did: "did:plc:ben",
    name: "Ben",
    contact: "",
    domains: [],
    daily: null,
    purpose: "",
    pds: "",
    words: "",
    appliedAt: "2026-01-01T12:00:00.000Z",
    appliedBy: "ben",
    state: "open",
    decision: null,
  };
  const vouch = {
    name: "Ada",
    by: "did:plc:ada",
    words: "My\u001b neighbour",
    at: "2026-01-02T12:00:00.000Z",
  };
  const lines = applicationLines({ ...application, vouches: [vouch] });
  expect(lines).toContain("  vouched 2026-01-02 12:00 UTC by Ada (did:plc:ada): My? neighbour");
  expect(applicationLines(application)).not.toContain("vouched");
});
