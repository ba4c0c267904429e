import { describe, expect, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../dns/index.ts";
import { lookupDmarc, mailtoDomain, organizationalDomain, parseDmarc, reportsAccepted } from "./index.ts";

const defaults = {
  explicit: true,
  sp: "none",
  np: "none",
  adkim: "r",
  aspf: "r",
  testing: false,
  psd: "u",
  rua: [],
  ruf: [],
  removed: [],
};

describe("one record (RFC 9989 section 4.7)", () => {
  test.each([
    ["v=DMARC1; p=none", { ...defaults, p: "none" }],
    [
      "v=DMARC1;p=REJECT;sp=quarantine;adkim=s;aspf=S",
      { ...defaults, p: "reject", sp: "quarantine", np: "quarantine", adkim: "s", aspf: "s" },
    ],
    [
      "v=DMARC1; p=quarantine; np=reject; t=y; psd=n; pct=20; ri=60",
      {
        ...defaults,
        p: "quarantine",
        sp: "quarantine",
        np: "reject",
        testing: true,
        psd: "n",
        removed: ["pct", "ri"],
      },
    ],
    [" v = DMARC1 ; p = none ; unknown=1;", { ...defaults, p: "none" }],
    [
      "v=DMARC1; p=none; rua=mailto:a@x.test!10m, mailto:b@x.test; ruf=mailto:c@x.test",
      { ...defaults, p: "none", rua: ["mailto:a@x.test", "mailto:b@x.test"], ruf: ["mailto:c@x.test"] },
    ],
    [
      "v=DMARC1; rua=mailto:a@x.test; sp=reject",
      { ...defaults, p: "none", explicit: false, rua: ["mailto:a@x.test"] },
    ],
  ])("%s", (text, record) => {
    expect(parseDmarc(text)).toEqual({ status: "record", record });
  });
  test.each(["", "p=none; v=DMARC1", "v=DMARC12; p=none", "v=dmarc1; p=none", "v=spf1 -all"])(
    "not DMARC: %s",
    (text) => {
      expect(parseDmarc(text)).toEqual({ status: "not-dmarc" });
    },
  );
  test.each([
    "v=DMARC1",
    "v=DMARC1; rua=a@x.test",
    "v=DMARC1; p=maybe",
    "v=DMARC1; p=none; p=reject",
    "v=DMARC1; p=none; sp=x",
    "v=DMARC1; p=none; np=x",
    "v=DMARC1; p=none; adkim=x",
    "v=DMARC1; p=none; nonsense",
    `v=DMARC1; p=none; rua=${"x".repeat(5000)}`,
  ])("unreadable: %s", (text) => {
    expect(parseDmarc(text).status).toBe("syntax");
  });
});

/** Knows these TXT records; `!` before a name: it gives no answer. Notes what is asked. */
function zone(records: Record<string, string>): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      asked.push(name);
      if (`!${name}` in records) return { status: "temperror", detail: "silent", kind: "timeout" };
      const text = records[name];
      if (text === undefined || (type !== "TXT" && type !== "A"))
        return { status: "nxdomain", authentic: false };
      return { status: "ok", authentic: false, records: [{ text, address: text, ttl: 1 }] as never };
    },
  };
}

describe("the tree walk (RFC 9989 section 4.10)", () => {
  const cases: [string, Record<string, string>, object][] = [
    ["its own", { "_dmarc.a.o.test": "v=DMARC1; p=reject" }, { at: "a.o.test", tag: "p", policy: "reject" }],
    [
      "the organisation's, not the nearest",
      { "_dmarc.o.test": "v=DMARC1; p=reject", "_dmarc.b.o.test": "v=DMARC1; p=none" },
      { at: "o.test", tag: "sp", policy: "reject" },
    ],
    [
      "a division that says it is one",
      { "_dmarc.o.test": "v=DMARC1; p=reject", "_dmarc.b.o.test": "v=DMARC1; p=none; psd=n" },
      { at: "b.o.test", tag: "sp", policy: "none" },
    ],
    [
      "a public suffix speaks for those below it that do not",
      { "_dmarc.test": "v=DMARC1; p=none; sp=quarantine; psd=y" },
      { at: "test", tag: "sp", policy: "quarantine" },
    ],
    [
      "below a public suffix the organisation counts",
      { "_dmarc.test": "v=DMARC1; p=none; psd=y", "_dmarc.o.test": "v=DMARC1; p=reject" },
      { at: "o.test", tag: "sp", policy: "reject" },
    ],
    [
      "one step less while testing",
      { "_dmarc.o.test": "v=DMARC1; p=reject; t=y" },
      { wanted: "reject", policy: "quarantine" },
    ],
    [
      "a name that does not exist",
      { "_dmarc.o.test": "v=DMARC1; p=none; np=reject" },
      { tag: "np", policy: "reject" },
    ],
    [
      "one that does",
      { "_dmarc.o.test": "v=DMARC1; p=none; np=reject", "a.b.o.test": "192.0.2.1", "a.o.test": "192.0.2.1" },
      { tag: "sp", policy: "none" },
    ],
    ["nothing", {}, { status: "none" }],
    ["silence on the way", { "!_dmarc.o.test": "" }, { status: "temperror", name: "_dmarc.o.test" }],
  ];
  test.each(cases)("%s", async (name, records, expected) => {
    const domain = name === "its own" ? "a.o.test" : "a.b.o.test";
    expect(await lookupDmarc(domain, zone(records))).toMatchObject(expected);
  });

  test("is bounded and reaches the organisation", async () => {
    const resolver = zone({ "_dmarc.org.test": "v=DMARC1; p=none; sp=reject" });
    const deep = `${"a.".repeat(60)}org.test`;
    expect(await lookupDmarc(deep, resolver)).toMatchObject({ status: "found", at: "org.test" });
    expect(new Set(resolver.asked.filter((name) => name.startsWith("_dmarc."))).size).toBe(8);
  });

  test("the organisational domain", async () => {
    const suffix = zone({ "_dmarc.test": "v=DMARC1; p=none; psd=y" });
    expect(await organizationalDomain("a.b.o.test", suffix)).toBe("o.test");
    expect(await organizationalDomain("a.b.o.test", zone({}))).toBe("a.b.o.test");
  });
});

describe("reports to others (RFC 9990 section 4)", () => {
  const cases: [string, string, Record<string, string>, string][] = [
    ["to itself", "o.test", {}, "accepted"],
    ["in the same organisation", "r.o.test", { "_dmarc.o.test": "v=DMARC1; p=none" }, "accepted"],
    ["welcome", "r.test", { "o.test._report._dmarc.r.test": "v=DMARC1" }, "accepted"],
    ["not welcome", "r.test", {}, "refused"],
    ["something else there", "r.test", { "o.test._report._dmarc.r.test": "yes" }, "refused"],
    ["silent", "r.test", { "!o.test._report._dmarc.r.test": "" }, "temperror"],
  ];
  test.each(cases)("%s", async (_, destination, records, status) => {
    expect((await reportsAccepted("o.test", destination, zone(records))).status).toBe(status);
  });
});

test.each([
  ["mailto:a@X.test", "x.test"],
  ["a@x.test", undefined],
  ["mailto:x.test", undefined],
  ["https://x.test/", undefined],
])("where %s goes", (uri, domain) => expect(mailtoDomain(uri)).toBe(domain));
