import { describe, expect, test } from "vitest";
import { normalizeDomain } from "./domain.ts";
import { decideIntake, readClaim, type Claim } from "./intake.ts";
import { collectionsOf } from "./records.ts";
import { hintsOf } from "./source/subscribe-repos.ts";
import type { Known } from "./store.ts";

const record = {
  $type: "community.email.attestation",
  domain: "x.test",
  createdAt: "2026-01-01T00:00:00.000Z",
};
const fingerprint = "A".repeat(43);

describe("a proved record against the lexicon", () => {
  const cases: [string, object, string, string][] = [
    ["the least", record, "x.test", "attestation"],
    ["domain in another spelling", { ...record, domain: "X.Test." }, "x.test", "attestation"],
    ["U-labels", { ...record, domain: "bücher.test" }, "xn--bcher-kva.test", "attestation"],
    ["fields of the future", { ...record, later: { a: 1 } }, "x.test", "attestation"],
    [
      "an unknown algorithm",
      { ...record, dkim: [{ selector: "s", fingerprint, algorithm: "new" }] },
      "x.test",
      "attestation",
    ],
    ["another key", record, "y.test", "rkey-mismatch"],
    ["a key in another spelling", record, "X.test", "rkey-mismatch"],
    ["another type", { ...record, $type: "app.bsky.feed.post" }, "x.test", "bad-record"],
    ["no domain", { $type: record.$type, createdAt: record.createdAt }, "x.test", "bad-record"],
    ["an address", { ...record, domain: "192.0.2.1" }, "192.0.2.1", "bad-record"],
    ["a selector without fingerprint", { ...record, dkim: [{ selector: "s" }] }, "x.test", "attestation"],
    ["a fingerprint without selector", { ...record, dkim: [{ fingerprint }] }, "x.test", "bad-record"],
    ["addresses of its own", { ...record, egress: [{ address: "192.0.2.1" }] }, "x.test", "attestation"],
    ["bare addresses", { ...record, egress: ["192.0.2.1"] }, "x.test", "bad-record"],
    [
      "too many keys",
      { ...record, dkim: Array.from({ length: 17 }, () => ({ selector: "s", fingerprint })) },
      "x.test",
      "bad-record",
    ],
    ["a relay that is no DID", { ...record, relay: { did: "pool" } }, "x.test", "bad-record"],
    ["no date", { ...record, createdAt: "yesterday" }, "x.test", "bad-record"],
  ];
  test.each(cases)("%s", (_, value, rkey, expected) => {
    const place = { collection: "community.email.attestation", rkey };
    const claim = readClaim(place, { rev: "r", cid: "c", record: value as never }, collectionsOf());
    expect(claim.kind === "unusable" ? claim.outcome : claim.kind).toBe(expected);
  });
});

describe("attestations of another form are read as ours", () => {
  const atmos = {
    $type: "email.atmos.attestation",
    domain: "x.test",
    dkimSelectors: ["a", "b"],
    relayMember: true,
    createdAt: "2026-01-01T00:00:00.000Z",
  };
  const read = (collection: string, value: object, authority?: string) =>
    readClaim(
      { collection, rkey: "x.test" },
      { rev: "r", cid: "c", record: value as never },
      collectionsOf(authority),
    );

  test("email.atmos.attestation: its selectors, without fingerprints, and no relay of ours", () => {
    expect(read("email.atmos.attestation", atmos)).toMatchObject({
      kind: "attestation",
      record: {
        $type: "community.email.attestation",
        domain: "x.test",
        dkim: [{ selector: "a" }, { selector: "b" }],
        createdAt: atmos.createdAt,
      },
    });
    expect(read("email.atmos.attestation", atmos)).not.toHaveProperty("record.relay");
  });

  test("the same lexicon under a configured authority", () => {
    const own = { ...record, $type: "org.example.mail.attestation" };
    expect(read("org.example.mail.attestation", own, "org.example.mail")).toMatchObject({
      kind: "attestation",
      record,
    });
  });

  test.each([
    ["no selector", "email.atmos.attestation", { ...atmos, dkimSelectors: [] }],
    [
      "eleven selectors",
      "email.atmos.attestation",
      { ...atmos, dkimSelectors: Array.from({ length: 11 }, (_, i) => `s${i}`) },
    ],
    ["a selector that is no string", "email.atmos.attestation", { ...atmos, dkimSelectors: [{}] }],
    ["no date", "email.atmos.attestation", { ...atmos, createdAt: undefined }],
    ["our type in their collection", "email.atmos.attestation", record],
    ["their type in our collection", "community.email.attestation", atmos],
    ["another authority's type in ours", "org.example.mail.attestation", record],
    ["a collection that is not indexed", "org.example.other", record],
  ])("%s is refused", (_, collection, value) => {
    expect(read(collection, value, "org.example.mail")).toMatchObject({ outcome: "bad-record" });
  });
});

const known = (change: Partial<Known> = {}): Known => ({ cid: "c1", rev: "3m", endedBy: null, ...change });
const present = (rev: string, cid = "c1"): Claim => ({
  kind: "attestation",
  rev,
  cid,
  domain: "x.test",
  record: record as never,
});
const absent = (rev: string): Claim => ({ kind: "absent", rev });
const unusable = (rev: string): Claim => ({ kind: "unusable", rev, outcome: "bad-record", detail: "" });

describe("what a proof does to what we know", () => {
  const cases: [string, Known | undefined, Claim, ReturnType<typeof decideIntake>][] = [
    ["new", undefined, present("3m"), "store"],
    ["never was", undefined, absent("3m"), "ignore"],
    ["never was one", undefined, unusable("3m"), "ignore"],
    ["the same again", known(), present("3m"), "touch"],
    ["the same in a newer commit", known(), present("3n"), "touch"],
    ["the same in an older commit", known(), present("3l"), "stale"],
    ["a new version", known(), present("3n", "c2"), "store"],
    ["an old version", known(), present("3l", "c0"), "stale"],
    ["another version in the same commit", known(), present("3m", "c2"), "stale"],
    ["deleted", known(), absent("3n"), "end"],
    ["deleted in an older commit", known(), absent("3l"), "stale"],
    ["no attestation any more", known(), unusable("3n"), "end"],
    ["ended, and still", known({ endedBy: "record" }), absent("3n"), "ignore"],
    ["ended, and the old proof again", known({ endedBy: "record" }), present("3m"), "stale"],
    ["ended, and made anew", known({ endedBy: "record" }), present("3n"), "store"],
    ["the account is back, unchanged", known({ endedBy: "account" }), present("3m"), "store"],
    ["the account is back with an older state", known({ endedBy: "account" }), present("3l"), "stale"],
  ];
  test.each(cases)("%s", (_, before, claim, decision) => {
    expect(decideIntake(before, claim)).toBe(decision);
  });

  test.each([
    ["a new record, proved before something else of the account", undefined, present("3m"), "stale"],
    ["ours, proved before something else of the account", known(), present("3n"), "stale"],
    ["absent, proved before something else of the account", known(), absent("3n"), "stale"],
  ] as const)("revisions never go back: %s", (_, before, claim, decision) => {
    expect(decideIntake(before, claim, "3p")).toBe(decision);
  });
});

test.each([
  ["Example.TEST.", "example.test"],
  ["bücher.test", "xn--bcher-kva.test"],
  ["a.b-c.test", "a.b-c.test"],
  ["test", undefined],
  ["a..test", undefined],
  ["-a.test", undefined],
  ["a_b.test", undefined],
  ["a b.test", undefined],
  ["192.0.2.1", undefined],
  ["[::1]", undefined],
  ["x/y.test", undefined],
  ["", undefined],
  [`${"a".repeat(64)}.test`, undefined],
  [`${"abcdefgh.".repeat(30)}test`, undefined],
])("the normal form of %j is %j", (name, normal) => {
  expect(normalizeDomain(name)).toBe(normal);
});

test("hints are read from commits, accounts and resets, and from nothing malformed", () => {
  const mine = new Set(["community.email.attestation"]);
  const did = "did:plc:a";
  const path = "community.email.attestation/x.test";
  const hint = { kind: "record", hint: { did, collection: "community.email.attestation", rkey: "x.test" } };
  const ops = [
    { path },
    { path },
    { path: "app.bsky.feed.post/1" },
    { path: `${path}/more` },
    { path: 1 },
    null,
    "x",
  ];
  expect(hintsOf("#commit", { repo: did, ops }, mine)).toEqual([hint]);
  expect(hintsOf("#commit", { repo: did }, mine)).toEqual([]);
  expect(hintsOf("#commit", { ops }, mine)).toEqual([]);
  expect(hintsOf("#account", { did, active: false }, mine)).toEqual([
    { kind: "account", did, status: "inactive" },
  ]);
  expect(hintsOf("#account", { did, active: false, status: "deleted" }, mine)).toEqual([
    { kind: "account", did, status: "deleted" },
  ]);
  expect(hintsOf("#account", { did, active: true }, mine)).toEqual([
    { kind: "account", did, status: "active" },
  ]);
  expect(hintsOf("#identity", { did, handle: "x.test" }, mine)).toEqual([{ kind: "identity", did }]);
  expect(hintsOf("#sync", { did }, mine)).toEqual([{ kind: "sync", did }]);
  expect(hintsOf("#info", { did }, mine)).toEqual([]);
});
