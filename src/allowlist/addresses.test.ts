import { describe, expect, test } from "vitest";
import type { DnsType, Resolver } from "../protocol/dns/index.ts";
import { canonicalAddress, isProved, nextProof, proveAddress } from "./addresses.ts";

const PTR4 = "4.0.41.198.in-addr.arpa";
const good: Record<string, object[]> = {
  [`${PTR4} PTR`]: [{ target: "mail.alder.test" }],
  "mail.alder.test A": [{ address: "198.41.0.4" }],
  "alder.test TXT": [{ text: "v=spf1 ip4:198.41.0.4 ip6:2606:2800:220::5 -all" }],
};
/** Answers from lines; `silent` names give no answer at all. */
const dns = (lines: Record<string, object[] | undefined>, silent: string[] = []): Resolver => ({
  resolve: async (name: string, type: DnsType) => {
    if (silent.includes(name)) return { status: "temperror", detail: "no answer" };
    const records = lines[`${name} ${type}`];
    return (
      records
        ? { status: "ok", records: records.map((r) => ({ ttl: 60, ...r })), authentic: false }
        : { status: "nxdomain", authentic: false }
    ) as never;
  },
});

describe("what proves an address", () => {
  test.each<[string, string, Resolver, string, RegExp?]>([
    ["name, way back and SPF", "198.41.0.4", dns(good), "proved"],
    ["no text of an address", "198.41.0.0/24", dns(good), "refuted", /one IP address/],
    ["a private address", "10.0.0.1", dns(good), "refuted", /public/],
    ["an IPv4 address in IPv6", "::ffff:198.41.0.4", dns(good), "refuted", /public/],
    ["no name", "198.41.0.5", dns(good), "refuted", /no name/],
    [
      "the name leads elsewhere",
      "198.41.0.4",
      dns({ ...good, "mail.alder.test A": [{ address: "198.41.0.5" }] }),
      "refuted",
      /lead back/,
    ],
    [
      "the name leads nowhere",
      "198.41.0.4",
      dns({ ...good, "mail.alder.test A": undefined }),
      "refuted",
      /lead back/,
    ],
    [
      "SPF refuses it",
      "198.41.0.4",
      dns({ ...good, "alder.test TXT": [{ text: "v=spf1 mx -all" }] }),
      "refuted",
      /SPF/,
    ],
    [
      "SPF is indifferent",
      "198.41.0.4",
      dns({ ...good, "alder.test TXT": [{ text: "v=spf1 ?all" }] }),
      "refuted",
      /neutral/,
    ],
    ["no SPF", "198.41.0.4", dns({ ...good, "alder.test TXT": undefined }), "refuted", /none/],
    ["the reverse DNS is silent", "198.41.0.4", dns(good, [PTR4]), "unknown"],
    ["the host's DNS is silent", "198.41.0.4", dns(good, ["mail.alder.test"]), "unknown"],
    ["the domain's DNS is silent", "198.41.0.4", dns(good, ["alder.test"]), "unknown"],
  ])("%s", async (_, address, resolver, status, why) => {
    const finding = await proveAddress(address, "alder.test", resolver);
    expect(finding.status).toBe(status);
    if (why) expect(finding).toMatchObject({ why: expect.stringMatching(why) as string });
  });
});

test("silence leaves a proof for a day, a refusal ends it", () => {
  const HOUR = 3_600_000;
  const proved = nextProof(undefined, { status: "proved", host: "mail.alder.test" }, 0);
  expect(isProved(proved, HOUR)).toBe(true);
  const silent = nextProof(proved, { status: "unknown", why: "no answer" }, 6 * HOUR);
  expect(isProved(silent, 24 * HOUR)).toBe(true);
  expect(isProved(silent, 25 * HOUR)).toBe(false);
  expect(isProved(nextProof(silent, { status: "refuted", why: "no name" }, 7 * HOUR), 7 * HOUR)).toBe(false);
  expect(isProved(nextProof(undefined, { status: "unknown", why: "no answer" }, 0), 0)).toBe(false);
});

test.each([
  ["198.41.0.4", "198.41.0.4"],
  [" 198.41.0.4 ", "198.41.0.4"],
  ["2606:2800:0220:0:0:0:0:5", "2606:2800:220::5"],
  ["2606:2800:220::5%eth0", undefined],
  ["198.41.0.0/24", undefined],
  ["198.041.0.4", undefined],
  ["mail.alder.test", undefined],
])("%s is written %s", (text, expected) => {
  expect(canonicalAddress(text)).toBe(expected);
});
