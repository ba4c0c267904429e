import { describe, expect, test } from "vitest";
import type { DnsAnswer, Resolver } from "../protocol/dns/index.ts";
import { diagnose, lookForRecords, type Published } from "./published.ts";
import type { DnsRecordToPublish } from "./records.ts";

const record = (value: string, type: "TXT" | "CNAME" = "TXT"): DnsRecordToPublish => ({
  name: "x.willow.test",
  type,
  value,
  purpose: "",
});
const spf = record("v=spf1 include:_spf.coop.test -all");
const dmarc = record("v=DMARC1; p=quarantine");
const key = record("v=DKIM1; k=rsa; p=MIIB");
const proof = record("did=did:plc:aaaa");
const cname = record("bounce.coop.test", "CNAME");
const ok = (...values: string[]) => ({ status: "ok", values, ttl: 300 }) as const;

describe("what stands at a record's name", () => {
  test.each<[string, DnsRecordToPublish, Parameters<typeof diagnose>[1], Published["state"], string?]>([
    ["no name", key, { status: "nxdomain" }, "no-name"],
    ["no record", key, { status: "nodata" }, "no-record"],
    ["no answer", key, { status: "temperror", why: "SERVFAIL" }, "no-answer"],
    ["a key", key, ok("v=DKIM1; k=rsa; p=MIIB"), "right"],
    ["a key, cut in two by a host that adds a blank", key, ok("v=DKIM1; k=rsa; p=MI IB"), "right"],
    ["a key with a last semicolon", key, ok("v=DKIM1;k=rsa;p=MIIB;"), "right"],
    ["another key", key, ok("v=DKIM1; k=rsa; p=OTHER"), "wrong"],
    ["two keys", key, ok("v=DKIM1; k=rsa; p=MIIB", "v=DKIM1; p=OTHER"), "several"],
    ["the proof beside another account's", proof, ok("did=did:plc:bbbb", "did=did:plc:aaaa"), "right"],
    ["another account's proof", proof, ok("did=did:plc:bbbb"), "wrong"],
    ["a text that is no proof", proof, ok("hello"), "no-record"],
    ["SPF with the pool", spf, ok("v=spf1 mx include:_spf.coop.test ~all"), "right"],
    ["SPF with the pool, in capitals", spf, ok("V=SPF1 INCLUDE:_SPF.COOP.TEST -ALL"), "right"],
    [
      "SPF beside other texts",
      spf,
      ok("google-site-verification=1", "v=spf1 include:_spf.coop.test -all"),
      "right",
    ],
    ["other texts only", spf, ok("google-site-verification=1"), "no-record"],
    ["SPF without the pool", spf, ok("v=spf1 mx -all"), "wrong", "v=spf1 mx include:_spf.coop.test -all"],
    [
      "SPF that leads on",
      spf,
      ok("v=spf1 redirect=a.test"),
      "wrong",
      "v=spf1 include:_spf.coop.test redirect=a.test",
    ],
    ["SPF without an end", spf, ok("v=spf1 mx"), "wrong", "v=spf1 mx include:_spf.coop.test"],
    ["two SPF records", spf, ok("v=spf1 mx -all", "v=spf1 include:_spf.coop.test -all"), "several"],
    ["the same SPF record twice", spf, ok(spf.value, spf.value), "several"],
    ["a DMARC record of one's own", dmarc, ok("v=DMARC1; p=none; rua=mailto:a@b.test"), "right"],
    ["a DMARC record without a policy", dmarc, ok("v=DMARC1; rua=mailto:a@b.test"), "wrong"],
    ["the CNAME", cname, ok("Bounce.coop.test."), "right"],
    ["another CNAME", cname, ok("mail.other.test"), "wrong"],
  ])("%s", (_, wanted, seen, state, value = wanted.value) => {
    const found = diagnose(wanted, seen);
    expect([found.published.state, found.value]).toEqual([state, value]);
  });
});

describe("what the domain's own servers have", () => {
  const resolver = (answer: DnsAnswer<"TXT">): Resolver => ({ resolve: async () => answer as never });
  const texts = (...values: string[]): DnsAnswer<"TXT"> => ({
    status: "ok",
    authentic: false,
    records: values.map((text) => ({ text, ttl: 600 })),
  });
  const gone: DnsAnswer<"TXT"> = { status: "nxdomain", authentic: false };
  const silent: DnsAnswer<"TXT"> = { status: "temperror", detail: "timeout" };

  test.each<[string, DnsAnswer<"TXT">, DnsAnswer<"TXT"> | null, Published]>([
    ["the record, which others do not see yet", gone, texts(key.value), { state: "spreading", ttl: null }],
    [
      "the record, where others keep another",
      texts("v=DKIM1; p=OLD"),
      texts(key.value),
      { state: "spreading", ttl: 600 },
    ],
    ["nothing either", gone, gone, { state: "no-name" }],
    ["nothing to say", gone, silent, { state: "no-name" }],
    ["no way to be asked", gone, null, { state: "no-name" }],
    [
      "not been asked, since nobody answered",
      silent,
      texts(key.value),
      { state: "no-answer", why: "timeout" },
    ],
  ])("%s", async (_, seen, own, published) => {
    const [found] = await lookForRecords([key], resolver(seen), async () => own);
    expect(found!.published).toEqual(published);
  });
});
