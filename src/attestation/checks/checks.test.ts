import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { formatDkimKeyRecord, keyFingerprint } from "../../protocol/dkim-record/index.ts";
import { txt, zoneResolver } from "../host.fixture.ts";
import type { CheckInput, CheckName } from "../types.ts";
import { checkDomain } from "./index.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
const weak = generateKeyPairSync("rsa", { modulusLength: 512 }).publicKey;
const ed = generateKeyPairSync("ed25519").publicKey;

const did = "did:plc:abcdefghijklmnopqrstuvwx";
const pool = { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" };
const mx = (...hosts: string[]) => ({ MX: hosts.map((exchange) => ({ preference: 10, exchange })) });
const a = { A: [{ address: "192.0.2.1" }] };
type Zone = Parameters<typeof zoneResolver>[0];

const published = (...texts: string[]): Zone => ({ "s._domainkey.x.test": txt(...texts) });
const governed = (name: string, ...texts: string[]): Zone => ({ [`_dmarc.${name}`]: txt(...texts) });

async function look(check: CheckName, zone: Zone, input: Partial<CheckInput>): Promise<[string, string[]]> {
  const results = await checkDomain({ domain: "x.test", ...input }, zoneResolver(zone), () => 5);
  const result = results.find((r) => r.check === check)!;
  expect(result.at).toBe(5);
  return [result.status, result.findings.map((f) => f.code)];
}

describe("domain control", () => {
  const name = "_email-attestation.x.test";
  const cases: [string, Zone, string, string[]][] = [
    ["its own name", { [name]: txt("other", `did=${did}`) }, "pass", []],
    ["as for handles", { "_atproto.x.test": txt(`did=${did}`) }, "pass", []],
    [
      "one name silent, the other answers",
      { [name]: "temperror", "_atproto.x.test": txt(`did=${did}`) },
      "pass",
      [],
    ],
    ["missing", { [name]: txt("something") }, "fail", ["control-missing"]],
    ["another account", { [name]: txt("did=did:plc:other") }, "fail", ["control-other-did"]],
    ["a longer DID is another", { [name]: txt(`did=${did}x`) }, "fail", ["control-other-did"]],
    ["silent", { [name]: "temperror" }, "temperror", ["dns-no-answer"]],
  ];
  test.each(cases)("%s", async (_, zone, status, codes) => {
    expect(await look("domain-control", zone, { did })).toEqual([status, codes]);
  });
  test("without a DID nothing is judged", async () => {
    expect(await look("domain-control", { [name]: txt(`did=${did}`) }, {})).toEqual([
      "warn",
      ["control-unknown-did"],
    ]);
  });
});

describe("mx", () => {
  const zone: Zone = {
    "x.test": mx("mx1.x.test", "mx2.x.test"),
    "mx1.x.test": a,
    "mx2.x.test": { AAAA: [{ address: "::" }] },
  };
  const cases: [string, Zone, string[] | undefined, string, string[]][] = [
    ["equal, whatever the case, order and final dot", zone, ["MX2.x.test.", "mx1.X.test"], "pass", []],
    ["nothing attested to compare", zone, undefined, "pass", []],
    ["attested, gone", zone, ["mx1.x.test", "mx2.x.test", "mx3.x.test"], "fail", ["mx-not-in-dns"]],
    ["not attested", zone, ["mx1.x.test"], "fail", ["mx-not-attested"]],
    [
      "null MX and none attested",
      { "x.test": { MX: [{ preference: 0, exchange: "" }] } },
      [],
      "pass",
      ["mx-null"],
    ],
    [
      "null MX written with its dot",
      { "x.test": { MX: [{ preference: 0, exchange: "." }] } },
      [],
      "pass",
      ["mx-null"],
    ],
    [
      "null MX against the record",
      { "x.test": { MX: [{ preference: 0, exchange: "" }] } },
      ["mx1.x.test"],
      "fail",
      ["mx-null", "mx-not-in-dns"],
    ],
    ["no MX, but an address", { "x.test": a }, undefined, "warn", ["mx-implicit"]],
    ["nothing at all", {}, undefined, "fail", ["mx-missing"]],
    ["a host without address", { "x.test": mx("mx1.x.test") }, ["mx1.x.test"], "fail", ["mx-no-address"]],
    [
      "an alias",
      { "x.test": mx("m.test"), "m.test": { ...a, CNAME: [{ target: "n.test" }] } },
      ["m.test"],
      "warn",
      ["mx-is-alias"],
    ],
    ["silent", { "x.test": "temperror" }, ["mx1.x.test"], "temperror", ["dns-no-answer"]],
    ["a host silent", { ...zone, "mx1.x.test": "temperror" }, undefined, "temperror", ["dns-no-answer"]],
  ];
  test("a record that names no hosts claims nothing about them", async () => {
    expect(await look("mx", zone, { attestation: {} })).toEqual(["pass", []]);
  });
  test.each(cases)("%s", async (_, zone, hosts, status, codes) => {
    const attestation = hosts && { mx: hosts.map((host) => ({ host })) };
    expect(await look("mx", zone, { attestation })).toEqual([status, codes]);
  });
});

describe("spf", () => {
  const poolZone: Zone = { "spf.pool.test": txt("v=spf1 ip4:192.0.2.0/24 -all") };
  const delegated: Zone = { "bounce.x.test": { CNAME: [{ target: "bounce.pool.test" }] } };
  const chain = Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [`s${n}.test`, txt(`v=spf1 include:s${n + 1}.test -all`)]),
  );
  const relay = { did: "did:plc:pool" } as const;
  const cases: [string, Zone, boolean, string, string[]][] = [
    ["with the pool", { "x.test": txt("v=spf1 include:SPF.pool.test -all"), ...poolZone }, true, "pass", []],
    [
      "with the pool behind another include",
      {
        "x.test": txt("v=spf1 include:y.test -all"),
        "y.test": txt("v=spf1 include:spf.pool.test ~all"),
        ...poolZone,
      },
      true,
      "pass",
      [],
    ],
    ["bounce name delegated", { "x.test": txt("v=spf1 mx -all"), ...delegated }, true, "pass", []],
    ["delegated, and no record", delegated, true, "warn", ["spf-missing"]],
    ["not relayed: the pool is not asked for", { "x.test": txt("v=spf1 mx -all") }, false, "pass", []],
    [
      "relayed, and the pool may not",
      { "x.test": txt("v=spf1 mx -all") },
      true,
      "fail",
      ["spf-pool-missing"],
    ],
    [
      "delegated elsewhere",
      { "x.test": txt("v=spf1 -all"), "bounce.x.test": { CNAME: [{ target: "z.test" }] } },
      true,
      "fail",
      ["return-path-elsewhere", "spf-pool-missing"],
    ],
    [
      "not known whether delegated",
      { "x.test": txt("v=spf1 -all"), "bounce.x.test": "temperror" },
      true,
      "temperror",
      ["dns-no-answer"],
    ],
    ["none", { "x.test": txt("v=spf10 -all") }, false, "fail", ["spf-missing"]],
    ["two", { "x.test": txt("v=spf1 -all", "v=spf1 mx -all") }, false, "fail", ["spf-multiple"]],
    ["unreadable", { "x.test": txt("v=spf1 foo:bar -all") }, false, "fail", ["spf-syntax"]],
    ["an empty include", { "x.test": txt("v=spf1 include: -all") }, false, "fail", ["spf-syntax"]],
    ["everybody may", { "x.test": txt("v=spf1 +all") }, false, "fail", ["spf-allows-all"]],
    ["all without a sign is the same", { "x.test": txt("v=spf1 all") }, false, "fail", ["spf-allows-all"]],
    ["no ending", { "x.test": txt("v=spf1 mx") }, false, "warn", ["spf-no-ending"]],
    [
      "the ending of a redirect counts",
      { "x.test": txt("v=spf1 redirect=y.test"), "y.test": txt("v=spf1 -all") },
      false,
      "pass",
      [],
    ],
    [
      "an include of nothing",
      { "x.test": txt("v=spf1 include:n.test -all") },
      false,
      "fail",
      ["spf-include-broken"],
    ],
    ["a loop", { "x.test": txt("v=spf1 include:x.test -all") }, false, "fail", ["spf-too-many-lookups"]],
    [
      "eleven lookups",
      { "x.test": txt("v=spf1 include:s0.test -all"), ...chain },
      false,
      "fail",
      ["spf-too-many-lookups"],
    ],
    ["ten lookups", { "x.test": txt(`v=spf1 ${"a:h.test ".repeat(10)}-all`) }, false, "pass", []],
    [
      "macros are counted and not followed",
      { "x.test": txt("v=spf1 include:%{i}.y.test -all") },
      false,
      "pass",
      [],
    ],
    ["silent", { "x.test": "temperror" }, false, "temperror", ["dns-no-answer"]],
    [
      "an include silent",
      { "x.test": txt("v=spf1 include:y.test -all"), "y.test": "temperror" },
      false,
      "temperror",
      ["dns-no-answer"],
    ],
  ];
  test.each(cases)("%s", async (_, zone, relayed, status, codes) => {
    expect(await look("spf", zone, { pool, attestation: relayed ? { relay } : {} })).toEqual([status, codes]);
  });
});

describe("dkim", () => {
  const fingerprint = keyFingerprint(rsa);
  const record = formatDkimKeyRecord(rsa);
  const cases: [
    string,
    Zone,
    { selector?: string; fingerprint?: string; algorithm?: string },
    string,
    string[],
  ][] = [
    ["the attested key", published(record), { algorithm: "rsa" }, "pass", []],
    ["a padded fingerprint", published(record), { fingerprint: `${fingerprint}=` }, "pass", []],
    [
      "ed25519",
      published(formatDkimKeyRecord(ed)),
      { fingerprint: keyFingerprint(ed), algorithm: "ed25519" },
      "pass",
      [],
    ],
    ["missing", {}, {}, "fail", ["dkim-missing"]],
    ["another key", published(formatDkimKeyRecord(ed)), {}, "fail", ["dkim-other-key"]],
    ["another algorithm", published(record), { algorithm: "ed25519" }, "fail", ["dkim-other-algorithm"]],
    ["revoked", published("v=DKIM1; p="), {}, "fail", ["dkim-revoked"]],
    ["unreadable", published("v=DKIM1; p=!"), {}, "fail", ["dkim-syntax"]],
    ["two", published(record, record), {}, "fail", ["dkim-multiple"]],
    [
      "short",
      published(formatDkimKeyRecord(short)),
      { fingerprint: keyFingerprint(short) },
      "warn",
      ["dkim-short"],
    ],
    [
      "weak",
      published(formatDkimKeyRecord(weak)),
      { fingerprint: keyFingerprint(weak) },
      "fail",
      ["dkim-weak"],
    ],
    ["testing", published(`${record}; t=y`), {}, "warn", ["dkim-testing"]],
    ["not for mail", published(`${record}; s=tlsrpt`), {}, "fail", ["dkim-not-for-mail"]],
    ["an impossible selector", published(record), { selector: "a b" }, "fail", ["dkim-syntax"]],
    ["silent", { "s._domainkey.x.test": "temperror" }, {}, "temperror", ["dns-no-answer"]],
  ];
  test.each(cases)("%s", async (_, zone, change, status, codes) => {
    const attestation = { dkim: [{ selector: "s", fingerprint, ...change }] };
    expect(await look("dkim", zone, { attestation })).toEqual([status, codes]);
  });
  test("an attestation without keys cannot be verified", async () => {
    expect(await look("dkim", {}, { attestation: {} })).toEqual(["fail", ["dkim-none-attested"]]);
  });
  test("one failure among several keys is a failure, also beside silence", async () => {
    const attestation = { dkim: ["s", "t"].map((selector) => ({ selector, fingerprint })) };
    const zone: Zone = { "s._domainkey.x.test": "temperror" };
    expect((await look("dkim", zone, { attestation }))[0]).toBe("fail");
  });
});

describe("dmarc", () => {
  const cases: [string, Zone, string, string[]][] = [
    ["its own", governed("m.x.test", "v=DMARC1; p=reject; rua=mailto:a@x.test"), "pass", []],
    ["of the parent", governed("x.test", "v=DMARC1; p=none; sp=quarantine"), "pass", ["dmarc-inherited"]],
    [
      "of the parent, for subdomains weaker",
      governed("x.test", "v=DMARC1; p=reject; sp=none"),
      "warn",
      ["dmarc-inherited", "dmarc-none"],
    ],
    ["watching only", governed("m.x.test", "v=DMARC1;p=none"), "warn", ["dmarc-none"]],
    ["beside other records", governed("m.x.test", "hello", "v=DMARC1; p=reject"), "pass", []],
    ["strict SPF", governed("m.x.test", "v=DMARC1; p=reject; aspf=s"), "pass", ["dmarc-strict-spf"]],
    ["none", {}, "fail", ["dmarc-missing"]],
    ["two", governed("m.x.test", "v=DMARC1; p=none", "v=DMARC1; p=reject"), "fail", ["dmarc-multiple"]],
    ["without policy", governed("m.x.test", "v=DMARC1; rua=mailto:a@x.test"), "fail", ["dmarc-syntax"]],
    ["an unknown policy", governed("m.x.test", "v=DMARC1; p=all"), "fail", ["dmarc-syntax"]],
    ["silent", { "_dmarc.m.x.test": "temperror" }, "temperror", ["dns-no-answer"]],
  ];
  test.each(cases)("%s", async (_, zone, status, codes) => {
    const attestation = { relay: { did: "did:plc:pool" as const } };
    expect(await look("dmarc", zone, { domain: "m.x.test", attestation })).toEqual([status, codes]);
  });
});

test("what can be mended by publishing a record names that record", async () => {
  const results = await checkDomain({ domain: "x.test", did, pool }, zoneResolver({}), () => 0);
  const remedies = results.flatMap((r) => r.findings.map((f) => f.remedy)).filter((r) => r !== undefined);
  expect(remedies).toContain(`_email-attestation.x.test. IN TXT "did=${did}"`);
  expect(remedies).toContain(`x.test. IN TXT "v=spf1 mx include:spf.pool.test -all"`);
  expect(remedies).toContain(`_dmarc.x.test. IN TXT "v=DMARC1; p=quarantine"`);
});
