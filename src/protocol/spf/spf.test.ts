import { describe, expect, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../dns/index.ts";
import { isSpf, lookupSpf, mergeSpf, parseSpf, surveySpf } from "./index.ts";

/** Knows these TXT records; counts the questions. */
function zone(records: Record<string, string[]>): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      asked.push(`${name} ${type}`);
      const texts = type === "TXT" ? records[name] : undefined;
      if (!texts) return { status: "nxdomain", authentic: false };
      return { status: "ok", authentic: false, records: texts.map((text) => ({ text, ttl: 1 })) as never };
    },
  };
}

test("what is an SPF record at all (RFC 7208 section 4.5)", () => {
  expect(["v=spf1", "v=spf1 -all", "V=SPF1 mx"].map(isSpf)).toEqual([true, true, true]);
  expect(["v=spf10", "v=spf1-all", "spf1", " v=spf1"].map(isSpf)).toEqual([false, false, false, false]);
});

test("terms keep qualifier, name and value", () => {
  expect(
    parseSpf("v=spf1  ip4:192.0.2.0/24 ~include:_spf.a.test mx/24 -ALL redirect=b.test x-later=1"),
  ).toEqual({
    status: "record",
    terms: [
      { kind: "mechanism", qualifier: "+", name: "ip4", value: "192.0.2.0/24" },
      { kind: "mechanism", qualifier: "~", name: "include", value: "_spf.a.test" },
      { kind: "mechanism", qualifier: "+", name: "mx", value: "/24" },
      { kind: "mechanism", qualifier: "-", name: "all", value: "" },
      { kind: "modifier", name: "redirect", value: "b.test" },
      { kind: "modifier", name: "x-later", value: "1" },
    ],
  });
});

describe("what receivers cannot read", () => {
  test.each([
    "v=spf1 incl:a.test",
    "v=spf1 include",
    "v=spf1 exists:",
    "v=spf1 ip4:192.0.2",
    "v=spf1 ip6:zz",
    "v=spf1 all:x",
    "v=spf1 --all",
    "v=spf1 redirect=a redirect=b",
    "v=spf1 redirect=",
    `v=spf1 ${"a ".repeat(3000)}`,
  ])("%s", (text) => {
    expect(parseSpf(text).status).toBe("syntax");
  });
});

test("random text never throws", () => {
  let seed = 7;
  const next = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const alphabet = "v=spf1 include:all+-~?/%{}.\u00e9\n\0ipmx46";
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: next(60) }, () => alphabet[next(alphabet.length)]).join("");
    expect(["record", "syntax"]).toContain(parseSpf(`v=spf1 ${text}`).status);
  }
});

test("the survey counts what costs a lookup, over includes and redirect, and nothing else", async () => {
  const resolver = zone({
    "a.test": ["google-site-verification=1", "v=spf1 ip4:192.0.2.1 a mx include:b.test redirect=c.test"],
    "b.test": ["v=spf1 exists:%{i}.x.test ?all"],
    "c.test": ["v=spf1 ptr include:%{d}.y.test ~all redirect=never.test"],
  });
  expect(await surveySpf("a.test", resolver)).toMatchObject({
    status: "ok",
    lookups: 7,
    includes: ["b.test"],
    all: "~",
    voids: ["a.test", "a.test"],
    usesPtr: true,
    costs: [
      { term: "a", lookups: 1 },
      { term: "mx", lookups: 1 },
      { term: "include:b.test", lookups: 2 },
      { term: "redirect=c.test", lookups: 3 },
    ],
  });
  expect(resolver.asked).toEqual([
    "a.test TXT",
    "a.test A",
    "a.test AAAA",
    "a.test MX",
    "b.test TXT",
    "c.test TXT",
  ]);
});

test("a loop ends at the limit, with few questions", async () => {
  const resolver = zone({ "a.test": ["v=spf1 include:b.test"], "b.test": ["v=spf1 include:a.test"] });
  expect((await surveySpf("a.test", resolver)).status).toBe("too-many-lookups");
  expect(resolver.asked).toHaveLength(11);
});

test("a record is looked up as receivers do", async () => {
  const resolver = zone({
    "a.test": ["v=spf1 -all", "v=spf1 mx"],
    "b.test": ["v=spf1 foo"],
    "c.test": ["hello"],
  });
  const statuses = await Promise.all(
    ["a.test", "b.test", "c.test", "d.test"].map((n) => lookupSpf(n, resolver)),
  );
  expect(statuses.map((s) => s.status)).toEqual(["multiple", "syntax", "none", "none"]);
});

describe("grammar beyond the shape of terms is the evaluator's", () => {
  test.each([
    "v=spf1 ip4:192.0.2.999 -all",
    "v=spf1 a:x.test/33 -all",
    "v=spf1 exists:%{z}.x.test -all",
    "v=spf1 include:%{i -all",
    "v=spf1 ip6:2001:db8::/129 -all",
  ])("%s", async (text) => {
    expect(await lookupSpf("a.test", zone({ "a.test": [text] }))).toMatchObject({ status: "syntax", text });
  });
});

test("what stands after all is not read", async () => {
  const resolver = zone({ "a.test": ["v=spf1 -all include:b.test redirect=c.test exp=d.test"] });
  expect(await surveySpf("a.test", resolver)).toMatchObject({
    lookups: 0,
    unread: ["include:b.test", "redirect=c.test"],
  });
});

describe("one record out of several", () => {
  const cases: [string[], string[], string][] = [
    [["v=spf1 mx -all", "v=spf1 a mx ~all"], [], "v=spf1 mx a ~all"],
    [
      ["v=spf1 mx -all", "v=spf1 ip4:192.0.2.1 +all"],
      ["include:p.test"],
      "v=spf1 mx ip4:192.0.2.1 include:p.test -all",
    ],
    [["v=spf1 redirect=y.test"], [], "v=spf1 include:y.test -all"],
    [["v=spf1 foo mx"], [], "v=spf1 mx -all"],
  ];
  test.each(cases)("%j and %j", (texts, more, joined) => expect(mergeSpf(texts, more)).toBe(joined));
});
