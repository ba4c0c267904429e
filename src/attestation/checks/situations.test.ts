import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { summarize } from "../summary.ts";
import type { CheckResult } from "../types.ts";
import { checkDomain } from "./index.ts";
import { control } from "./situations/control.ts";
import { dkim } from "./situations/dkim.ts";
import { dmarc } from "./situations/dmarc.ts";
import { DID, POOL, POOL_ZONE, PUBLIC, RELAY, zoneOf, type Situation } from "./situations/fixture.ts";
import { mx } from "./situations/mx.ts";
import { ptr } from "./situations/ptr.ts";
import { spf } from "./situations/spf.ts";
import { bimi, dane, mtaSts, startTls, tlsRpt } from "./situations/transport.ts";
import { WHY } from "./why.ts";

const ALL = [control, mx, spf, dkim, dmarc, ptr, mtaSts, tlsRpt, dane, startTls, bimi];

async function look([, zone, , , more = {}]: Situation): Promise<CheckResult[]> {
  const { transport, ...input } = more;
  return checkDomain({ domain: "x.test", ...input }, zoneOf(zone), () => 5, transport);
}

/** Findings that no record in the DNS mends; their words say what does. */
const NOT_BY_A_RECORD = new Set([
  "control-unknown-did",
  "dkim-none-attested",
  "mta-sts-mx-mismatch",
  "mta-sts-short",
  "mta-sts-syntax",
  "dane-mismatch",
  "ptr-private-address",
  "ptr-syntax",
]);

for (const { check, cases } of ALL) {
  describe(check, () => {
    test.each(cases)("%s", async (...situation) => {
      const [, , status, codes] = situation;
      const found = (await look(situation)).find((result) => result.check === check);
      expect([found?.status ?? "-", found?.findings.map((f) => f.code).join(" ") ?? ""]).toEqual([
        status,
        codes,
      ]);
      for (const finding of found?.findings ?? []) {
        expect(finding.why, finding.code).toBe(WHY[finding.code as keyof typeof WHY]);
        expect(finding.message, finding.code).toMatch(/\.$/);
        expect(finding.observed, finding.code).toBeTruthy();
        const silent = finding.code.startsWith("dns-") || finding.code.startsWith("starttls-");
        if (finding.severity !== "info" && !silent && !NOT_BY_A_RECORD.has(finding.code))
          expect(finding.remedy, finding.code).toMatch(/ IN (TXT|A|AAAA|MX|CNAME|PTR|TLSA|DS) /);
      }
    });
  });
}

test("there are at least 150 situations, and each code comes up in one", () => {
  const cases = ALL.flatMap((situations) => situations.cases);
  expect(cases.length).toBeGreaterThanOrEqual(150);
  const told = new Set(cases.flatMap(([, , , codes]) => codes.split(" ")));
  expect(Object.keys(WHY).filter((code) => !told.has(code))).toEqual([]);
});

describe("a whole domain", () => {
  const sound = [
    "x.test MX 10 mx.x.test",
    `mx.x.test A ${PUBLIC}`,
    "x.test TXT v=spf1 mx include:_spf.pool.test -all",
    "_dmarc.x.test TXT v=DMARC1; p=reject; rua=mailto:d@x.test",
    `_email-attestation.x.test TXT did=${DID}`,
    ...POOL_ZONE,
  ];
  const input = { domain: "x.test", did: DID, pool: POOL };
  const summary = async (zone: string[], more: object = {}) =>
    summarize(await checkDomain({ ...input, ...more }, zoneOf(zone), () => 5));

  test("is verified by the checks that decide, whatever is missing of the others", async () => {
    expect(await summary(sound)).toBe("verified");
  });
  test("silence about what only informs decides nothing", async () => {
    const silent = ["! _mta-sts.x.test timeout", "! _smtp._tls.x.test timeout", "! _25._tcp.mx.x.test bogus"];
    expect(await summary([...sound, ...silent, "! default._bimi.x.test timeout"])).toBe("verified");
  });
  test("silence about what decides leaves it open", async () => {
    expect(await summary([...sound, "! _dmarc.x.test timeout"])).toBe("unknown");
  });
  test("a claimed address that the DNS contradicts breaks it", async () => {
    const attestation = { egress: [{ address: PUBLIC }], dkim: [] };
    const results = await checkDomain({ ...input, attestation }, zoneOf(sound), () => 5);
    expect(results.find((r) => r.check === "ptr")?.status).toBe("fail");
    expect(summarize(results)).toBe("broken");
  });
  test("each question is asked once", async () => {
    const zone = zoneOf(sound);
    await checkDomain({ ...input, attestation: { relay: RELAY } }, zone, () => 5);
    expect(zone.asked.length).toBe(new Set(zone.asked).size);
    expect(zone.asked.length).toBeLessThan(40);
  });
  test("remedies are lines of a zone file", async () => {
    const results = await checkDomain(
      { ...input, attestation: { relay: RELAY } },
      zoneOf(POOL_ZONE),
      () => 0,
    );
    const remedies = results.flatMap((r) => r.findings.flatMap((f) => f.remedy ?? []));
    expect(remedies).toContain(`_email-attestation.x.test. IN TXT "did=${DID}"`);
    expect(remedies).toContain(`x.test. IN TXT "v=spf1 mx include:_spf.pool.test -all"`);
    expect(remedies).toContain(`_dmarc.x.test. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@x.test"`);
  });
});

test("the lexicon lists every code", () => {
  const file = join(import.meta.dirname, "../../../lexicons/community/email/defs.json");
  const { defs } = JSON.parse(readFileSync(file, "utf8"));
  expect(defs.findingCode.knownValues).toEqual(expect.arrayContaining(Object.keys(WHY)));
  expect(defs.checkName.knownValues).toEqual(expect.arrayContaining(ALL.map(({ check }) => check)));
});
