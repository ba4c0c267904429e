import { describe, expect, test } from "vitest";
import { parseDmarc } from "../protocol/dmarc/index.ts";
import type { DnsAnswer, DnsType, Resolver } from "../protocol/dns/index.ts";
import { adviseDmarc, lookForDmarc, type DmarcSeen } from "./dmarc-advice.ts";

const OURS = "dmarc@coop.test";
const RUA = `rua=mailto:${OURS}`;

const REPLACED: [what: string, present: string, value: string][] = [
  ["reject without an address", "v=DMARC1; p=reject", `v=DMARC1; p=reject; ${RUA}`],
  ["a semicolon at the end", "v=DMARC1;p=reject; ", `v=DMARC1;p=reject; ${RUA}`],
  [
    "every tag, in its order, as it is written",
    "v=DMARC1; p=reject; sp=quarantine; pct=25; adkim=s; fo=1; ri=3600",
    `v=DMARC1; p=reject; sp=quarantine; pct=25; adkim=s; fo=1; ri=3600; ${RUA}`,
  ],
  [
    "an address of others",
    "v=DMARC1; p=quarantine; rua=mailto:x@vendor.test!10m; ruf=mailto:y@vendor.test",
    `v=DMARC1; p=quarantine; rua=mailto:x@vendor.test!10m,mailto:${OURS}; ruf=mailto:y@vendor.test`,
  ],
  [
    "several addresses, spaces between them",
    "v=DMARC1; RUA = mailto:a@x.test , mailto:b@x.test; p=none",
    `v=DMARC1; RUA =mailto:a@x.test,mailto:b@x.test,mailto:${OURS}; p=none`,
  ],
  ["an empty list", "v=DMARC1; p=reject; rua=", `v=DMARC1; p=reject; ${RUA}`],
  [
    "ours is only part of another",
    `v=DMARC1; p=reject; rua=mailto:my${OURS}`,
    `v=DMARC1; p=reject; rua=mailto:my${OURS},mailto:${OURS}`,
  ],
  [
    "ours for failures alone",
    `v=DMARC1; p=reject; ruf=mailto:${OURS}`,
    `v=DMARC1; p=reject; ruf=mailto:${OURS}; ${RUA}`,
  ],
  [
    "no policy, which counts as none",
    "v=DMARC1; rua=mailto:a@x.test",
    `v=DMARC1; rua=mailto:a@x.test,mailto:${OURS}`,
  ],
  ["tags that nobody knows", "v=DMARC1; p=reject; zz=1", `v=DMARC1; p=reject; zz=1; ${RUA}`],
];

test.each(REPLACED)("%s", (_what, present, value) => {
  expect(adviseDmarc({ texts: [present] }, OURS)).toMatchObject({ status: "replace", present, value });
  // What receivers do with mail stays, and once it is published nothing is left to do.
  const { rua: _, ...before } = recordOf(present);
  expect(recordOf(value)).toMatchObject(before);
  expect(adviseDmarc({ texts: [value] }, OURS)).toMatchObject({ status: "done" });
});

function recordOf(text: string) {
  const parsed = parseDmarc(text);
  if (parsed.status !== "record") throw new Error(text);
  return parsed.record;
}

const LONG = `v=DMARC1; p=reject; rua=${Array.from({ length: 200 }, (_, i) => `mailto:a${i}@x.test`).join(",")}`;

const OTHERS: [what: string, seen: DmarcSeen, advice: object][] = [
  ["nothing", { texts: [] }, { status: "new", value: `v=DMARC1; p=none; ${RUA}` }],
  ["another text", { texts: ["v=spf1 -all"] }, { status: "new", value: `v=DMARC1; p=none; ${RUA}` }],
  [
    "another text beside it",
    { texts: ["v=spf1 -all", "v=DMARC1; p=reject"] },
    { status: "replace", value: `v=DMARC1; p=reject; ${RUA}`, addresses: 1 },
  ],
  [
    "ours already",
    { texts: [`v=DMARC1; p=reject; rua=mailto:a@x.test,mailto:DMARC@Coop.Test!5m`] },
    { status: "done" },
  ],
  [
    "several records",
    { texts: ["v=DMARC1; p=reject", "v=DMARC1; p=none"] },
    { status: "several", present: ["v=DMARC1; p=reject", "v=DMARC1; p=none"] },
  ],
  ["no semicolon", { texts: ["v=DMARC1 p=reject"] }, { status: "broken", present: "v=DMARC1 p=reject" }],
  ["small letters", { texts: ["v=dmarc1; p=reject"] }, { status: "broken" }],
  ["no such policy", { texts: ["v=DMARC1; p=block"] }, { status: "broken", why: /p= must be/ }],
  [
    "a tag twice",
    { texts: ["v=DMARC1; p=reject; p=none"] },
    { status: "broken", why: "tag p appears twice" },
  ],
  [
    "too long",
    { texts: [`v=DMARC1; p=reject; x=${"y".repeat(4_096)}`] },
    { status: "broken", why: /too long/ },
  ],
  [
    "too long with ours",
    { texts: [`v=DMARC1; p=reject; x=${"y".repeat(4_050)}`] },
    { status: "broken", why: /too long/ },
  ],
  ["two hundred addresses", { texts: [LONG] }, { status: "replace", addresses: 201 }],
  ["not ASCII", { texts: ["v=DMARC1; p=reject; x=\u00e9"] }, { status: "broken", why: /characters/ }],
  [
    "elsewhere, by a CNAME",
    { texts: ["v=DMARC1; p=reject"], canonical: "x.vendor.test" },
    { status: "replace", value: `v=DMARC1; p=reject; ${RUA}`, canonical: "x.vendor.test" },
  ],
  ["a CNAME to something else", { texts: ["hello"], canonical: "x.vendor.test" }, { status: "broken" }],
  [
    "a record further up",
    {
      texts: [],
      inherited: {
        at: "up.test",
        text: "v=DMARC1; p=none; sp=reject; np=reject; psd=n; adkim=s; pct=50; rua=mailto:a@up.test",
        wanted: "reject",
      },
    },
    {
      status: "inherited",
      at: "up.test",
      value: `v=DMARC1; p=reject; adkim=s; pct=50; rua=mailto:a@up.test,mailto:${OURS}`,
    },
  ],
  [
    "a record further up that has ours",
    { texts: [], inherited: { at: "up.test", text: `v=DMARC1; p=reject; ${RUA}`, wanted: "reject" } },
    { status: "done", at: "up.test" },
  ],
  [
    "a record further up that is too long with ours",
    {
      texts: [],
      inherited: { at: "up.test", text: `v=DMARC1; p=reject; x=${"y".repeat(4_050)}`, wanted: "reject" },
    },
    { status: "broken", at: "up.test", why: /too long/ },
  ],
];

test.each(OTHERS)("%s", (_what, seen, { ...wanted }) => {
  const why = "why" in wanted && wanted.why instanceof RegExp ? expect.stringMatching(wanted.why) : undefined;
  expect(adviseDmarc(seen, OURS)).toMatchObject(why === undefined ? wanted : { ...wanted, why });
});

describe("looking for it", () => {
  const dns = (zone: Record<string, string[] | "silent">): Resolver => ({
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const found = type === "TXT" ? zone[name] : undefined;
      if (found === "silent") return { status: "temperror", detail: "timeout" };
      if (found === undefined) return { status: "nxdomain", authentic: false };
      const records = found.map((text) => ({ text, ttl: 60 }));
      return { status: "ok", records, authentic: false } as unknown as DnsAnswer<T>;
    },
  });
  test.each<[what: string, zone: Record<string, string[] | "silent">, wanted: object]>([
    ["nothing anywhere", {}, { status: "new" }],
    ["its own", { "_dmarc.mail.up.test": ["v=DMARC1; p=reject"] }, { status: "replace" }],
    [
      "its own is empty of policy, and the one above is strict",
      { "_dmarc.mail.up.test": ["hello"], "_dmarc.up.test": ["v=DMARC1; p=reject"] },
      { status: "inherited", value: `v=DMARC1; p=reject; ${RUA}` },
    ],
    [
      "the one above is mild about what is below it",
      { "_dmarc.up.test": ["v=DMARC1; p=reject; sp=none"] },
      { status: "inherited", value: `v=DMARC1; p=none; ${RUA}` },
    ],
    ["no answer", { "_dmarc.mail.up.test": "silent" }, { status: "unknown", why: "timeout" }],
    ["no answer further up", { "_dmarc.up.test": "silent" }, { status: "unknown", why: "timeout" }],
  ])("%s", async (_what, zone, wanted) => {
    expect(await lookForDmarc("mail.up.test", OURS, dns(zone))).toMatchObject(wanted);
  });
});
