import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import type { DmarcRow, InspectedDmarcReport, InspectedTlsReport } from "../protocol/inspect/types.ts";
import {
  createReports,
  digestsOf,
  memberFinder,
  MOST_REPORTS_A_DAY,
  MOST_SOURCES_A_DAY,
  MOST_UNVERIFIED_A_DAY,
  reportMigration,
  periodsOf,
  type Report,
  type Reports,
  type SourceRow,
} from "./index.ts";

const AT = Date.UTC(2026, 5, 2, 8);
const DAY = Math.floor(AT / DAY_MS) - 1;
const [ada, bea] = ["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"];
const memberOf = memberFinder([
  { did: ada, domain: "ada.test" },
  { did: bea, domain: "mail.big.test" },
  { did: bea, domain: "bea.test" },
]);

const row = (over: Partial<DmarcRow>): DmarcRow => ({
  sourceIp: "192.0.2.1",
  count: 1,
  disposition: "none",
  dkim: "pass",
  spf: "fail",
  headerFrom: "",
  envelopeFrom: "",
  envelopeTo: "",
  dkimResults: [],
  spfResults: [],
  overrides: [],
  ...over,
});

function dmarc(domain: string, rows: DmarcRow[], over: Partial<InspectedDmarcReport> = {}) {
  const sum = (list: DmarcRow[]) => list.reduce((total, { count }) => total + count, 0);
  return {
    kind: "dmarc",
    namespace: "",
    organization: "Provider",
    email: "",
    reportId: "1",
    domain,
    begin: DAY * DAY_MS,
    end: (DAY + 1) * DAY_MS - 1,
    policy: {},
    generator: "",
    errors: [],
    rows,
    messages: sum(rows),
    aligned: sum(rows.filter(({ dkim, spf }) => dkim === "pass" || spf === "pass")),
    truncated: false,
    ...over,
  } satisfies InspectedDmarcReport;
}

const tlsPolicy = (domain: string, succeeded: number, failed: number) => ({
  type: "sts",
  domain,
  mxHosts: [],
  succeeded,
  failed,
  failures: [],
});
const tls = (...policies: InspectedTlsReport["policies"]): InspectedTlsReport => ({
  kind: "tls",
  organization: "Provider",
  contact: "",
  reportId: "1",
  begin: DAY * DAY_MS,
  end: (DAY + 1) * DAY_MS - 1,
  policies,
  truncated: false,
});

const from = { receivedAt: AT, provenBy: "provider.test" };
const digest = (report: Report) => digestsOf(report, memberOf, from);

test.each([
  ["ada.test", "ada.test"],
  ["ADA.test.", "ada.test"],
  ["a.b.ada.test", "ada.test"],
  ["xada.test", undefined],
  ["test", undefined],
  ["big.test", undefined],
  ["x.mail.big.test", "mail.big.test"],
  ["", undefined],
  [`${"a.".repeat(3_000)}ada.test`, "ada.test"],
])("the member's domain at or above %.40s", (name, expected) =>
  expect(memberOf(name)?.domain).toBe(expected),
);

/** Whose each message is: domain, messages, aligned. */
const cases: [string, Report, [string, number, number][], number][] = [
  ["a domain", dmarc("ada.test", [row({ count: 3 })]), [["ada.test", 3, 3]], 0],
  ["one below it", dmarc("news.ada.test", [row({ dkim: "fail" })]), [["ada.test", 1, 0]], 0],
  ["a domain without mail", dmarc("ada.test", []), [["ada.test", 0, 0]], 0],
  ["nobody's domain", dmarc("big.test", [row({ count: 4 })]), [], 4],
  [
    "a domain above a member's",
    dmarc("big.test", [row({ headerFrom: "mail.big.test", count: 2 }), row({ headerFrom: "big.test" })]),
    [["mail.big.test", 2, 2]],
    1,
  ],
  [
    "a domain, with an author elsewhere: a report about one domain says nothing of another",
    dmarc("ada.test", [row({ headerFrom: "bea.test" })]),
    [["ada.test", 1, 1]],
    0,
  ],
  [
    "rows that were left out, in the counts alone",
    dmarc("ada.test", [row({ count: 2 })], { messages: 10, aligned: 5, truncated: true }),
    [["ada.test", 10, 5]],
    0,
  ],
  [
    "TLS of several domains",
    tls(tlsPolicy("ada.test", 5, 1), tlsPolicy("bea.test", 2, 0), tlsPolicy("big.test", 1, 1)),
    [
      ["ada.test", 6, 5],
      ["bea.test", 2, 2],
    ],
    2,
  ],
];
test.each(cases)("a report about %s", (_, report, expected, strangers) => {
  const found = digest(report);
  expect(found.digests.map(({ domain, messages, aligned }) => [domain, messages, aligned])).toEqual(expected);
  expect(found.strangers).toBe(strangers);
  for (const one of found.digests)
    if (report.kind === "dmarc")
      expect(one.sources.reduce((sum, { messages }) => sum + messages, 0)).toBe(one.messages);
});

test("a digest is small, however many rows: the most are kept, and nothing is lost from the sum", () => {
  const rows = Array.from({ length: 10_000 }, (_, n) =>
    row({ sourceIp: `2001:db8::${n.toString(16)}`, count: n + 1, headerFrom: "x".repeat(200) }),
  );
  const [one] = digest(dmarc("ada.test", rows)).digests;
  expect(one!.sources).toHaveLength(MOST_SOURCES_A_DAY + 1);
  expect(one!.sources[0]).toMatchObject({ ip: "2001:db8::270f", messages: 10_000 });
  expect(one!.sources.reduce((sum, { messages }) => sum + messages, 0)).toBe(one!.messages);
  expect(JSON.stringify(one).length).toBeLessThan(100_000);
});

describe("what nothing proves", () => {
  let db: Database;
  let reports: Reports;
  beforeEach(() => {
    db = new Database(":memory:", [reportMigration]);
    reports = createReports(db);
  });
  afterEach(() => db.close());
  const range = { from: DAY - 5, to: DAY + 5 };
  const one = (id: string, provenBy: string) =>
    digestsOf(dmarc("ada.test", [row({ count: 5 })], { reportId: id }), memberOf, { ...from, provenBy })
      .digests[0]!;

  test("is listed, is in no sum, and keeps nothing from the same report that is proven", () => {
    expect(reports.record(one("1", ""))).toBe("unverified");
    expect(reports.record(one("1", ""))).toBe("duplicate");
    expect(reports.ofDomain(ada, "ada.test", range)).toMatchObject({
      rows: [],
      reports: [{ messages: 5, provenBy: "" }],
    });
    expect(reports.record(one("1", "provider.test"))).toBe("recorded");
    expect(reports.ofDomain(ada, "ada.test", range).rows).toMatchObject([{ messages: 5 }]);
    expect(reports.totals(range)).toEqual([
      {
        did: ada,
        domain: "ada.test",
        reports: 1,
        messages: 5,
        aligned: 5,
        sessions: 0,
        failed: 0,
        unverified: 1,
      },
    ]);
  });

  test("has a smaller share of the day, and takes none of the other's", () => {
    for (let n = 0; n < MOST_UNVERIFIED_A_DAY; n++) reports.record(one(`u${n}`, ""));
    expect(reports.record(one("next", ""))).toBe("too-many");
    for (let n = 0; n < MOST_REPORTS_A_DAY; n++)
      expect(reports.record(one(`p${n}`, "provider.test"))).toBe("recorded");
    expect(reports.record(one("next", "provider.test"))).toBe("too-many");
  });
});

test("weeks: a gap is no zero; what did not pass of others is theirs", () => {
  const source = (ip: string, day: number, messages: number, aligned: number): SourceRow => ({
    ip,
    day,
    messages,
    aligned,
    dkim: aligned,
    spf: 0,
    quarantined: 0,
    rejected: 0,
  });
  const rows = [
    source("192.0.2.1", 100, 4, 3),
    source("192.0.2.9", 101, 5, 4),
    source("192.0.2.8", 114, 3, 0),
  ];
  const days = new Set([100, 101, 114, 115]);
  const weeks = { to: 121, count: 4, length: 7 };
  expect(periodsOf(rows, ["192.0.2.1"], weeks, days)).toEqual([
    { day: 94, known: true, ours: 4, aligned: 0, unaligned: 0 },
    { day: 101, known: true, ours: 0, aligned: 4, unaligned: 1 },
    { day: 108, known: true, ours: 0, aligned: 0, unaligned: 3 },
    { day: 115, known: true, ours: 0, aligned: 0, unaligned: 0 },
  ]);
  const byDay = periodsOf(rows, ["192.0.2.1"], { to: 102, count: 3, length: 1 }, days);
  expect(byDay.map(({ known, ours, aligned }) => [known, ours, aligned])).toEqual([
    [true, 4, 0],
    [true, 0, 4],
    [false, 0, 0],
  ]);
});
