import { describe, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createWeb } from "./app.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import type { CheckAnswer, WebQueries } from "./view.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";

const checked: CheckAnswer = {
  status: "checked",
  domain: "a.test",
  at: Date.UTC(2026, 2, 12, 10),
  summary: "broken",
  attested: null,
  findings: [
    {
      check: "dmarc",
      outcome: "fail",
      text: "There is no DMARC record <b>here</b>.",
      observed: null,
      remedy: {
        text: "Publish this record:",
        record: { name: "_dmarc.a.test", type: "TXT", value: '"v=DMARC1; p=none"' },
      },
    },
    { check: "mx", outcome: "pass", text: "as it should be", observed: null, remedy: null },
  ],
  requirements: [
    { provider: "gmail", need: "DMARC record", status: "fail" },
    { provider: "yahoo", need: "DMARC record", status: "unknown" },
  ],
};

const page = async (path: string, answer: CheckAnswer = checked) => {
  const asked: string[] = [];
  const app = createWeb({
    queries: {} as WebQueries,
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessionKey: new Uint8Array(32),
    ...sessionsFixture(0),
    clock: systemClock,
    publicUrl: "http://web.test",
    log: silentLog,
    check: async (_, domain) => {
      asked.push(domain);
      return answer;
    },
  });
  const response = await app.request(path);
  return { status: response.status, html: await response.text(), asked };
};

test("the empty form asks nobody", async () => {
  const { status, html, asked } = await page("/check");
  expect(status).toBe(200);
  expect(asked).toEqual([]);
  expect(html).toContain('name="domain"');
});

test("a checked domain shows what is wrong, the record that mends it, and what providers ask", async () => {
  const { html, asked } = await page("/check?domain=a.test");
  expect(asked).toEqual(["a.test"]);
  expect(html).toContain("Needs mending");
  expect(html).toContain("_dmarc.a.test");
  expect(html).toContain("&lt;b&gt;here");
  expect(html).toContain("not met");
  expect(html).toContain("not known");
  expect(html).toContain("It has no attestation.");
});

describe("what was not looked at says why", () => {
  test.each<[CheckAnswer, string]>([
    [{ status: "no-domain", asked: '"><script>' }, "no domain name"],
    [{ status: "too-many", domain: "a.test" }, "Too many checks from your address"],
    [{ status: "busy", domain: "a.test" }, "Too many domains are being looked at"],
  ])("%j", async (answer, words) => {
    const { html } = await page("/check?domain=x", answer);
    expect(html).toContain(words);
    expect(html).not.toContain("<script>");
  });
});

test("a result says when the DNS was asked, and its address leads to the same domain", async () => {
  const { html } = await page("/check?domain=a.test");
  expect(html).toContain("12 Mar 2026, 10:00 UTC");
  expect(html).toContain("http://web.test/check?domain=a.test");
  expect(html).toContain("Look again");
});
