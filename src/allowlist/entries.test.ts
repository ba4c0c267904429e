import { describe, expect, test } from "vitest";
import { entryFor, labelValues, type Claim, type ClaimLabel } from "./entries.ts";

const place = { zone: "wl.test", poolDomain: "coop.test" };
const EARLY = "2026-01-01T00:00:00.000Z";
const LATE = "2026-02-01T00:00:00.000Z";

const claim = (who: string, domain = "alder.test", cid = `cid-${who}`): Claim => ({
  uri: `at://did:plc:${who}/community.email.attestation/${domain}`,
  cid,
  did: `did:plc:${who}`,
  domain,
  checks: { dkim: "pass" },
});
const label = (
  val: string,
  uri: string,
  { cid = "", src = "did:plc:labeler", since = EARLY } = {},
): ClaimLabel => ({
  since,
  label: { ver: 1, src, uri, val, cts: since, sig: { $bytes: "AA" }, ...(cid && { cid }) },
});
const proof = (of: Claim, more: { src?: string; since?: string } = {}) =>
  label("verified-mail-operator", of.uri, { cid: of.cid, ...more });
const member = (of: Claim, src?: string) =>
  label("verified-member", of.did, src === undefined ? {} : { src });
const clean = (of: Claim, src?: string) => label("clean-sender", of.did, src === undefined ? {} : { src });

const ada = claim("ada");
const ben = claim("ben");

describe("what a domain is listed as", () => {
  test.each<[string, Claim[], ClaimLabel[], [did: string, code: string] | undefined]>([
    ["nobody claims it", [], [proof(ada), member(ada)], undefined],
    ["a verified member", [ada], [proof(ada), member(ada)], ["did:plc:ada", "127.0.6.1"]],
    ["clean for long", [ada], [proof(ada), member(ada), clean(ada)], ["did:plc:ada", "127.0.6.2"]],
    ["an operator that is no member", [ada], [proof(ada), clean(ada)], undefined],
    ["a member whose record nobody verified", [ada], [member(ada)], undefined],
    [
      "the account is verified, the record is not",
      [ada],
      [label("verified-mail-operator", ada.did), member(ada)],
      undefined,
    ],
    [
      "another version of the record",
      [claim("ada", "alder.test", "newer")],
      [proof(ada), member(ada)],
      undefined,
    ],
    ["the label names no version", [ada], [label("verified-mail-operator", ada.uri), member(ada)], undefined],
    ["two labelers, of which each says half", [ada], [proof(ada), member(ada, "did:plc:other")], undefined],
    [
      "two labelers, one of which says all",
      [ada],
      [proof(ada), proof(ada, { src: "did:plc:other" }), member(ada, "did:plc:other")],
      ["did:plc:ada", "127.0.6.1"],
    ],
    [
      "clean, says one who does not carry the entry",
      [ada],
      [proof(ada), member(ada), clean(ada, "did:plc:other")],
      ["did:plc:ada", "127.0.6.1"],
    ],
    [
      "two claim it: the older proof",
      [ada, ben],
      [proof(ada, { since: LATE }), member(ada), proof(ben), member(ben)],
      ["did:plc:ben", "127.0.6.1"],
    ],
    [
      "the pool's own",
      [claim("ada", "coop.test")],
      [proof(claim("ada", "coop.test")), member(ada)],
      undefined,
    ],
  ])("%s", (_, claims, labels, expected) => {
    const of = ({ did }: Claim) => labels.filter(({ label: { uri } }) => uri.includes(did));
    const entry = entryFor(claims[0]?.domain ?? "alder.test", claims, of, place);
    expect(entry && [entry.did, entry.code]).toEqual(expected);
  });

  test("it carries what proves it", () => {
    const labels = [proof(ada), member(ada), clean(ada)];
    const entry = entryFor("alder.test", [ada], () => labels, place)!;
    expect(entry).toMatchObject({ uri: ada.uri, cid: ada.cid, since: EARLY, checks: { dkim: "pass" } });
    expect(entry.labels).toEqual(labels.map((said) => said.label));
    expect(labelValues(entry)).toEqual(["clean-sender", "verified-mail-operator", "verified-member"]);
  });
});
