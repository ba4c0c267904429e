import { describe, expect, test } from "vitest";
import { isPassed, judgeTest, TEST_VERDICTS, type TestFacts } from "./verdict.ts";

const AT = 1_000_000;
const right: TestFacts = {
  from: "alder.test",
  ip: "192.0.2.7",
  helo: "mx1.coop.test",
  tls: "TLSv1.3",
  spf: { result: "pass", domain: "bounce.alder.test" },
  dkim: [
    { domain: "coop.test", selector: "pool", result: "pass" },
    { domain: "alder.test", selector: "k1", result: "pass" },
  ],
  dmarc: { result: "pass", domain: "alder.test", policy: "reject" },
  message: "m1",
  handedInAt: AT - 2_000,
};
const dkim = (result: string, domain = "alder.test") => [{ domain, selector: "k1", result }];

test("what is right has nothing to mend", () => {
  const verdicts = judgeTest(right, AT);
  expect(verdicts.map(({ name }) => name)).toEqual([...TEST_VERDICTS]);
  expect(verdicts.every(({ outcome, remedy }) => outcome === "pass" && remedy === undefined)).toBe(true);
  expect(isPassed(verdicts)).toBe(true);
});

/** What differs, which verdict says so, how bad it is, and words that it must have. */
const cases: [string, Partial<TestFacts>, (typeof TEST_VERDICTS)[number], "warn" | "fail", RegExp][] = [
  [
    "another server",
    { message: null, helo: "mx.pds.test" },
    "route",
    "fail",
    /mx\.pds\.test \[192\.0\.2\.7\]/,
  ],
  ["no SPF", { spf: { result: "none", domain: "alder.test" } }, "spf", "fail", /no SPF record for alder/],
  ["SPF fails", { spf: { result: "softfail", domain: "alder.test" } }, "spf", "fail", /softfail for alder/],
  [
    "the pool's return path",
    { spf: { result: "pass", domain: "bounce.coop.test" } },
    "spf",
    "warn",
    /not a name of/,
  ],
  ["a look-alike", { spf: { result: "pass", domain: "notalder.test" } }, "spf", "warn", /not a name of/],
  ["no DNS for SPF", { spf: { result: "temperror", domain: "" } }, "spf", "warn", /not be looked up/],
  ["only the pool signed", { dkim: dkim("pass", "coop.test") }, "dkim", "fail", /Only coop\.test signed/],
  ["nobody signed", { dkim: [] }, "dkim", "fail", /no valid signature/],
  ["a key that is not there", { dkim: dkim("neutral") }, "dkim", "fail", /key k1: neutral/],
  ["a broken signature", { dkim: dkim("fail") }, "dkim", "fail", /is not valid/],
  ["no DNS for the key", { dkim: dkim("temperror") }, "dkim", "warn", /not be looked up/],
  ["no DMARC", { dmarc: { result: "none", domain: "", policy: "" } }, "dmarc", "warn", /no DMARC record/],
  [
    "DMARC fails",
    { dmarc: { result: "fail", domain: "alder.test", policy: "reject" } },
    "dmarc",
    "fail",
    /reject/,
  ],
  [
    "no DNS for DMARC",
    { dmarc: { result: "temperror", domain: "", policy: "" } },
    "dmarc",
    "warn",
    /looked up/,
  ],
  ["in clear", { tls: null }, "tls", "warn", /in clear/],
  ["five minutes", { handedInAt: AT - 300_000 }, "time", "warn", /300 seconds/],
  ["nobody knows since when", { handedInAt: null }, "time", "warn", /not known/],
];

describe("what is not", () => {
  test.each(cases)("%s", (_, change, name, outcome, words) => {
    const verdicts = judgeTest({ ...right, ...change }, AT);
    const wrong = verdicts.filter((one) => one.outcome !== "pass");
    expect(wrong.map((one) => one.name)).toEqual([name]);
    expect(wrong[0]).toMatchObject({
      outcome,
      text: expect.stringMatching(words),
      remedy: expect.stringMatching(/\w/),
    });
    expect(isPassed(verdicts)).toBe(outcome === "warn");
  });

  test("a clock that is behind makes no negative time", () => {
    expect(judgeTest({ ...right, handedInAt: AT + 5_000 }, AT).at(-1)!.text).toContain("a second");
  });
});
