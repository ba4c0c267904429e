import { describe, expect, test } from "vitest";
import { covers, policyLines, parseMtaStsPolicy, parseMtaStsRecord } from "./index.ts";

describe("the TXT record", () => {
  test.each([
    ["v=STSv1; id=20260101T000000;", { status: "record", id: "20260101T000000" }],
    ["v=STSv1;id=a; later=1", { status: "record", id: "a" }],
    ["v=STSv1; id=", { status: "syntax" }],
    ["v=STSv1; id=a-b", { status: "syntax" }],
    ["v=STSv1;", { status: "syntax" }],
    ["v=STSv2; id=a", { status: "not-mta-sts" }],
    ["id=a; v=STSv1", { status: "not-mta-sts" }],
  ])("%s", (text, parsed) => expect(parseMtaStsRecord(text)).toMatchObject(parsed));
});

describe("the policy", () => {
  const good = "version: STSv1\r\nmode: enforce\r\nmx: MX1.x.test\r\nmx: *.y.test\r\nmax_age: 604800\r\n";
  test("whole", () => {
    expect(parseMtaStsPolicy(good)).toEqual({
      status: "policy",
      policy: { mode: "enforce", mx: ["mx1.x.test", "*.y.test"], maxAge: 604_800 },
    });
  });
  test.each([
    ["no version", good.replace("STSv1", "STSv2")],
    ["no mode", good.replace("enforce", "strict")],
    ["no age", good.replace("604800", "-1")],
    ["no host", good.replaceAll("mx:", "host:")],
    ["a page", "<html>not found</html>"],
    ["a host of 300 characters", good.replace("MX1", "x".repeat(300))],
    ["two hosts in a line", good.replace("MX1.x.test", "mx1.x.test mx2.x.test")],
    ["a host with a final dot", good.replace("MX1.x.test", "mx1.x.test.")],
    ["a star within", good.replace("*.y.test", "mx*.y.test")],
    ["a star for all", good.replace("*.y.test", "*")],
    ["a URL for a host", good.replace("MX1.x.test", "https://mx1.x.test/")],
    ["too long", good + "x".repeat(70_000)],
  ])("%s", (_, text) => expect(parseMtaStsPolicy(text).status).toBe("syntax"));
  test("as lines again", () => {
    const mx = ["mx1.x.test", "*.y.test"];
    expect(policyLines({ mode: "enforce", mx, maxAge: 604_800 }).join("\r\n")).toBe(
      good.toLowerCase().replace("stsv1", "STSv1").trimEnd(),
    );
  });
  test("mode none needs no host", () => {
    expect(parseMtaStsPolicy("version: STSv1\nmode: none\nmax_age: 86400").status).toBe("policy");
  });
});

test.each([
  ["mx.x.test", "mx.x.test", true],
  ["*.x.test", "mx.x.test", true],
  ["*.x.test", "a.mx.x.test", false],
  ["*.x.test", "x.test", false],
  ["mx.x.test", "mx2.x.test", false],
])("%s covers %s: %s", (pattern, host, yes) => expect(covers(pattern, host)).toBe(yes));
