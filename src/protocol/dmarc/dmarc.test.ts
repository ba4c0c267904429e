import { describe, expect, test } from "vitest";
import type { DnsAnswer, DnsType } from "../dns/index.ts";
import { lookupDmarc, parseDmarc } from "./index.ts";

describe("one record (RFC 7489 section 6.3)", () => {
  const defaults = { sp: "none", adkim: "r", aspf: "r", rua: [] };
  test.each([
    ["v=DMARC1; p=none", { ...defaults, p: "none" }],
    [
      "v=DMARC1;p=REJECT;sp=quarantine;adkim=s;aspf=S",
      { p: "reject", sp: "quarantine", adkim: "s", aspf: "s", rua: [] },
    ],
    [" v = DMARC1 ; p = none ; unknown=1;", { ...defaults, p: "none" }],
    [
      "v=DMARC1; p=none; rua=mailto:a@x.test, mailto:b@x.test",
      { ...defaults, p: "none", rua: ["mailto:a@x.test", "mailto:b@x.test"] },
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
    "v=DMARC1; p=maybe",
    "v=DMARC1; p=none; p=reject",
    "v=DMARC1; p=none; sp=x",
    "v=DMARC1; p=none; adkim=x",
    "v=DMARC1; p=none; nonsense",
    `v=DMARC1; p=none; rua=${"x".repeat(5000)}`,
  ])("unreadable: %s", (text) => {
    expect(parseDmarc(text).status).toBe("syntax");
  });
});

test("the walk up the tree is bounded and reaches the organisation", async () => {
  const asked: string[] = [];
  const resolver = {
    async resolve<T extends DnsType>(name: string): Promise<DnsAnswer<T>> {
      asked.push(name);
      if (name !== "_dmarc.org.test") return { status: "nxdomain", authentic: false };
      const records = [{ text: "v=DMARC1; p=none; sp=reject", ttl: 1 }] as never;
      return { status: "ok", authentic: false, records };
    },
  };
  const deep = `${"a.".repeat(60)}org.test`;
  expect(await lookupDmarc(deep, resolver)).toMatchObject({
    status: "found",
    at: "org.test",
    policy: "reject",
  });
  expect(asked.length).toBeLessThanOrEqual(8);
  expect(asked[0]).toBe(`_dmarc.${deep}`);
});
