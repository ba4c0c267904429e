import { expect, test } from "vitest";
import type { DmarcAdvice } from "../../report/index.ts";
import { readable, section } from "../fixtures/reading.fixture.ts";
import { renderPage } from "../render.tsx";
import type { DomainReportsView } from "../report-view.ts";

const RUA = "rua=mailto:dmarc@coop.test";

const page = async (dmarc: DmarcAdvice) => {
  const view: DomainReportsView = {
    did: "did:plc:ada",
    domain: "ada.test",
    asOf: 0,
    by: "day",
    periods: [],
    sources: { ours: [], aligned: [], unaligned: [] },
    pretended: { messages: 0, stopped: 0 },
    reporters: [],
    tls: { succeeded: 0, failed: 0, failures: [] },
    publish: {
      rua: RUA,
      dmarc,
      tls: { name: "_smtp._tls.ada.test", type: "TXT", value: "v=TLSRPTv1; rua=mailto:tlsrpt@coop.test" },
    },
    authorisation: { name: "*._report._dmarc.coop.test", type: "TXT", value: "v=DMARC1" },
  };
  const html = String(await renderPage({ page: "reports", view }, { role: "member", did: view.did }));
  return section(html, "publish");
};

const PRESENT = "v=DMARC1; p=reject";
const MERGED = `v=DMARC1; p=reject; ${RUA}`;
const WEAK = `v=DMARC1; p=none; ${RUA}`;

test.each<[advice: DmarcAdvice, says: string[], never: string[]]>([
  [{ status: "new", value: WEAK }, [`_dmarc.ada.test. TXT "${WEAK}"`, "as they do now"], []],
  [
    { status: "replace", present: PRESENT, value: MERGED, addresses: 1 },
    [`_dmarc.ada.test. TXT "${MERGED}"`, "in its place", "stays as it is", PRESENT],
    ["first two", "CNAME"],
  ],
  [
    { status: "replace", present: PRESENT, value: MERGED, addresses: 3, canonical: "x.vendor.test" },
    ["first two", "CNAME", "x.vendor.test"],
    [],
  ],
  [
    { status: "inherited", at: "up.test", present: PRESENT, wanted: "reject", value: MERGED },
    ["up.test", "p=reject", `_dmarc.ada.test. TXT "${MERGED}"`],
    [],
  ],
  [{ status: "done", present: MERGED }, ["nothing to do", "_dmarc.ada.test asks"], ['TXT "v=DMARC1; p']],
  [{ status: "done", at: "up.test", present: MERGED }, ["_dmarc.up.test asks"], ['TXT "v=DMARC1; p']],
  [
    { status: "several", present: [PRESENT, WEAK] },
    ["2 DMARC records", "none of them", RUA],
    ['TXT "v=DMARC1; p'],
  ],
  [
    { status: "broken", present: "v=DMARC1 p=reject", why: "it has no semicolon" },
    ["Mend it first", "it has no semicolon", "v=DMARC1 p=reject", RUA],
    ['TXT "v=DMARC1; p'],
  ],
  [
    { status: "unknown", why: "timeout" },
    ["did not say", "timeout", "change nothing else", RUA],
    ["v=DMARC1; p=", "p=none"],
  ],
])("%o", async (advice, says, never) => {
  const text = readable(await page(advice));
  for (const fact of says) expect(text).toContain(fact);
  for (const fact of [...never, ...(advice.status === "new" ? [] : [WEAK_TO_COPY])])
    expect(text).not.toContain(fact);
});

/** Nobody who has a policy is shown one that is weaker, ready to copy. */
const WEAK_TO_COPY = 'TXT "v=DMARC1; p=none';
