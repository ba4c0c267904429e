import { describe, expect, test } from "vitest";
import type { Attestation, CheckResult } from "../../attestation/index.ts";
import type { LabelInForce } from "../../label/index.ts";
import { explainLabels, parseSubject, type ExplainParts } from "./label.ts";

const NOW = Date.parse("2026-01-02T00:00:00Z");
const DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const uriOf = (domain: string) => `at://${DID}/community.email.attestation/${domain}`;

const attestation = (domain: string, more: Partial<Attestation> = {}): Attestation => ({
  uri: uriOf(domain),
  cid: `cid of ${domain}`,
  did: DID,
  collection: "community.email.attestation",
  domain,
  record: { $type: "community.email.attestation", domain, createdAt: "2026-01-01T00:00:00Z" },
  rev: "3l3qo2vutsw2b",
  indexedAt: NOW - 9,
  provedAt: NOW - 8,
  endedAt: null,
  summary: "verified",
  failures: 0,
  checkedAt: NOW - 7,
  ...more,
});

const label = (val: string, uri: string, cid?: string): LabelInForce => ({
  since: NOW - 20,
  label: {
    ver: 1,
    src: "did:plc:labeler",
    uri,
    val,
    ...(cid && { cid }),
    cts: new Date(NOW - 10).toISOString(),
    exp: new Date(NOW + 10).toISOString(),
    sig: new Uint8Array(64),
  },
});

const spf: CheckResult = {
  check: "spf",
  status: "warn",
  at: NOW - 7,
  findings: [
    {
      code: "c",
      severity: "warn",
      message: "m",
      observed: "o",
      expected: "for the operator",
      remedy: "for the operator",
    },
  ],
};

function partsWith(labels: LabelInForce[], attestations: Attestation[]): ExplainParts {
  return {
    labeler: {
      labels: { did: "did:plc:labeler", inForceOf: (did) => (did === DID ? labels : []) },
      attestations: {
        byDid: (did) => attestations.filter((a) => a.did === did),
        byDomain: (domain) => attestations.filter((a) => a.domain === domain),
        latestChecks: () => [spf],
      },
    },
    clock: { now: () => NOW },
    publicUrl: "https://labels.test",
  };
}

const OPERATOR = "verified-mail-operator";
const whole = partsWith(
  [
    label(OPERATOR, uriOf("one.test"), "cid of one.test"),
    label(OPERATOR, uriOf("two.test"), "cid of two.test"),
    label(OPERATOR, DID),
    label("relay-member", DID),
  ],
  [attestation("one.test"), attestation("two.test"), attestation("broken.test", { summary: "broken" })],
);

const seen = (parts: ExplainParts, subject: string, value?: string) => {
  const found = explainLabels(parts, subject, value);
  return (
    found && {
      labels: found.labels.map(
        (l) => `${l.value} ${l.uri.replace(`at://${DID}/community.email.attestation/`, "")}`,
      ),
      records: found.records.map((r) => r.domain),
    }
  );
};

describe("what is shown", () => {
  const all = ["one.test", "two.test"];
  test.each<[string, string | undefined, { labels: string[]; records: string[] } | null]>([
    [
      DID,
      undefined,
      {
        labels: [...all.map((d) => `${OPERATOR} ${d}`), `${OPERATOR} ${DID}`, `relay-member ${DID}`],
        records: all,
      },
    ],
    [DID, "relay-member", { labels: [`relay-member ${DID}`], records: [] }],
    [uriOf("one.test"), undefined, { labels: [`${OPERATOR} one.test`], records: ["one.test"] }],
    [
      "Two.test",
      undefined,
      { labels: [`${OPERATOR} two.test`, `${OPERATOR} ${DID}`, `relay-member ${DID}`], records: all },
    ],
    ["broken.test", undefined, { labels: [], records: [] }],
    [uriOf("broken.test"), undefined, { labels: [], records: [] }],
    ["never.test", undefined, { labels: [], records: [] }],
    ["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", undefined, { labels: [], records: [] }],
    ["at://alice.test/c/x", undefined, null],
    ["no domain", undefined, null],
  ])("of %s %s", (subject, value, expected) => expect(seen(whole, subject, value)).toEqual(expected));
});

test("facts, and no advice", () => {
  const found = explainLabels(whole, uriOf("one.test"));
  expect(found).toMatchObject({
    asOf: NOW,
    labels: [{ cid: "cid of one.test", since: NOW - 20, issuedAt: NOW - 10, expiresAt: NOW + 10 }],
    records: [{ provedAt: NOW - 8 }],
  });
  expect(found?.records[0]?.checks).toEqual([
    { check: "spf", outcome: "warn", at: NOW - 7, findings: [{ code: "c", text: "m", observed: "o" }] },
  ]);
});

test.each<[string, LabelInForce[], Attestation[]]>([
  ["after a negation", [], [attestation("one.test")]],
  [
    "after the record's end",
    [label(OPERATOR, uriOf("one.test"), "cid of one.test")],
    [attestation("one.test", { endedAt: NOW })],
  ],
  ["of another version", [label(OPERATOR, uriOf("one.test"), "older")], [attestation("one.test")]],
])("no checks are shown %s", (_, labels, attestations) => {
  const parts = partsWith(labels, attestations);
  for (const subject of ["one.test", uriOf("one.test"), DID])
    expect(explainLabels(parts, subject)?.records).toEqual([]);
});

test.each([
  [DID, { kind: "account", did: DID }],
  [uriOf("x.test"), { kind: "record", did: DID, uri: uriOf("x.test") }],
  [uriOf("x.test").slice(5), { kind: "record", did: DID, uri: uriOf("x.test") }],
  [uriOf("x.test").replace("//", "/"), { kind: "record", did: DID, uri: uriOf("x.test") }],
  ["X.Test", { kind: "domain", domain: "x.test" }],
  [`${DID}/c`, undefined],
  [`${DID}/c/`, undefined],
  [`${DID}/c/r/more`, undefined],
  ["did:plc:x y", undefined],
  ["", undefined],
])("%j is read", (text, expected) => expect(parseSubject(text)).toEqual(expected));
