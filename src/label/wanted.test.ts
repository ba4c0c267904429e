import { describe, expect, test } from "vitest";
import {
  planLabels,
  wantedLabels,
  type ActiveLabel,
  type AttestedDomain,
  type PublicStanding,
} from "./wanted.ts";

const did = "did:plc:a";
const good: PublicStanding = { did, member: true, cleanSender: false, ended: false };
const domain = (name: string, summary: AttestedDomain["summary"], owner = did): AttestedDomain => ({
  uri: `at://${owner}/community.email.attestation/${name}`,
  cid: `cid-${name}`,
  did: owner,
  domain: name,
  summary,
});
const V = "verified-mail-operator";
const record = (name: string) => `at://${did}/community.email.attestation/${name} ${V} cid-${name}`;
const account = (val: string) => `${did} ${val} -`;
const shown = (labels: { uri: string; val: string; cid?: string }[]) =>
  labels.map((l) => `${l.uri} ${l.val} ${l.cid ?? "-"}`).sort();

describe("which labels should stand", () => {
  const cases: [string, PublicStanding | undefined, AttestedDomain[], string[], string[]][] = [
    ["a stranger without records", undefined, [], [], []],
    [
      "a stranger whose domain verifies",
      undefined,
      [domain("x.test", "verified")],
      [record("x.test"), account(V)],
      [],
    ],
    ["a stranger whose domain is broken", undefined, [domain("x.test", "broken")], [], []],
    [
      "nobody knows: what stands stays",
      undefined,
      [domain("x.test", "unknown")],
      [],
      [record("x.test"), account(V)],
    ],
    [
      "one broken domain does not take the account's label",
      undefined,
      [domain("x.test", "broken"), domain("y.test", "verified")],
      [record("y.test"), account(V)],
      [],
    ],
    ["records of others do not count", undefined, [domain("x.test", "verified", "did:plc:b")], [], []],
    [
      "a member without records",
      good,
      [],
      [account("relay-member"), account("verified-member")],
      [account("clean-sender")],
    ],
    [
      "a clean member",
      { ...good, cleanSender: true },
      [domain("x.test", "verified")],
      [
        record("x.test"),
        account(V),
        account("relay-member"),
        account("verified-member"),
        account("clean-sender"),
      ],
      [],
    ],
    [
      "an ended membership leaves nothing, whatever else holds",
      { did, member: true, cleanSender: true, ended: true },
      [domain("x.test", "verified"), domain("y.test", "unknown")],
      [],
      [],
    ],
    [
      "no member, not ended",
      { ...good, member: false },
      [domain("x.test", "verified")],
      [record("x.test"), account(V)],
      [],
    ],
  ];
  test.each(cases)("%s", (_, publicStanding, attestations, assert, keep) => {
    const wanted = wantedLabels({ did, publicStanding, attestations });
    expect(shown(wanted.assert)).toEqual([...assert].sort());
    expect(shown(wanted.keep)).toEqual([...keep].sort());
  });
});

describe("from what stands to what should", () => {
  const ttl = 1000;
  const now = 10_000;
  const label = { uri: "at://r", cid: "c1", val: V } as const;
  const active = (change: Partial<ActiveLabel> = {}): ActiveLabel => ({
    ...label,
    expiresAt: now + 900,
    ...change,
  });
  const cases: [string, ActiveLabel[], "assert" | "keep" | "none", number, number][] = [
    ["new", [], "assert", 1, 0],
    ["fresh", [active()], "assert", 0, 0],
    ["in the second half of its life", [active({ expiresAt: now + 500 })], "assert", 1, 0],
    ["expired", [active({ expiresAt: now })], "assert", 1, 0],
    ["a new version of the record", [active({ cid: "c0" })], "assert", 1, 0],
    ["kept, near its end", [active({ expiresAt: now + 1 })], "keep", 0, 0],
    ["kept, never said", [], "keep", 0, 0],
    ["no longer wanted", [active()], "none", 0, 1],
    ["no longer wanted, but expired by itself", [active({ expiresAt: now - 1 })], "none", 0, 0],
  ];
  test.each(cases)("%s", (_, standing, wish, asserted, negated) => {
    const wanted = { assert: wish === "assert" ? [label] : [], keep: wish === "keep" ? [label] : [] };
    const plan = planLabels(standing, wanted, now, ttl);
    expect([plan.assert.length, plan.negate.length]).toEqual([asserted, negated]);
  });
});
