import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import type { DmarcRow, InspectedDmarcReport, InspectedTlsReport } from "../protocol/inspect/types.ts";
import { canonicalAddress } from "./address.ts";
import {
  authorisationOfAll,
  authorisationRecords,
  createReports,
  digestsOf,
  MOST_REPORTS_A_DAY,
  MOST_SOURCES_A_DAY,
  reportMigration,
  reportReceived,
  RETENTION_DAYS,
  sources,
  type Report,
  type Reports,
  type SourceRow,
} from "./index.ts";

const AT = Date.UTC(2026, 5, 2, 8);
const DAY = AT / DAY_MS - ((AT / DAY_MS) % 1) - 1;
const [did, other] = ["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"];
const OURS = "192.0.2.1";

/** What a report says of one domain, whoever it names. */
function digest(report: Report, domain = "member.test", of = did, at = AT, provenBy = "provider.test") {
  const { digests } = digestsOf(report, () => ({ did: of, domain }), { receivedAt: at, provenBy });
  if (!digests[0]) throw new Error("the report is about nothing");
  return digests[0];
}

const rowOf = (over: Partial<DmarcRow> = {}): DmarcRow => ({
  sourceIp: OURS,
  count: 1,
  disposition: "none",
  dkim: "pass",
  spf: "pass",
  headerFrom: "member.test",
  envelopeFrom: "",
  envelopeTo: "",
  dkimResults: [],
  spfResults: [],
  overrides: [],
  ...over,
});

function dmarc(rows: readonly DmarcRow[], over: Partial<InspectedDmarcReport> = {}): InspectedDmarcReport {
  const sum = (list: readonly DmarcRow[]) => list.reduce((total, { count }) => total + count, 0);
  return {
    kind: "dmarc",
    namespace: "",
    organization: "Provider",
    email: "",
    reportId: "r-1",
    domain: "member.test",
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
  };
}

const tls: InspectedTlsReport = {
  kind: "tls",
  organization: "Provider",
  contact: "",
  reportId: "r-1",
  begin: DAY * DAY_MS,
  end: (DAY + 1) * DAY_MS - 1,
  truncated: false,
  policies: [
    {
      type: "sts",
      domain: "member.test",
      mxHosts: [],
      succeeded: 10,
      failed: 6,
      failures: [
        {
          type: "certificate-expired",
          sessions: 3,
          sendingIp: "",
          receivingMx: "",
          receivingIp: "",
          reason: "",
        },
        { type: "x-own-word", sessions: 1, sendingIp: "", receivingMx: "", receivingIp: "", reason: "" },
      ],
    },
  ],
};

describe("who sends as a domain", () => {
  const row = (ip: string, messages: number, aligned: number, day = 1): SourceRow => ({
    day,
    ip,
    messages,
    aligned,
    dkim: aligned,
    spf: 0,
    quarantined: 0,
    rejected: messages - aligned,
  });
  const names = (found: ReturnType<typeof sources>) =>
    Object.fromEntries(Object.entries(found).map(([kind, list]) => [kind, list.map(({ ip }) => ip)]));

  const cases: [string, SourceRow[], Partial<Record<"ours" | "aligned" | "unaligned", string[]>>][] = [
    ["nobody", [], {}],
    ["the pool", [row(OURS, 5, 5)], { ours: [OURS] }],
    ["the pool, broken", [row(OURS, 5, 0)], { ours: [OURS] }],
    ["the pool by IPv6, written otherwise", [row("2001:0DB8:0:0::1", 1, 1)], { ours: ["2001:db8::1"] }],
    ["another that is aligned", [row("198.51.100.1", 2, 2)], { aligned: ["198.51.100.1"] }],
    ["half of it aligned", [row("198.51.100.1", 2, 1)], { aligned: ["198.51.100.1"] }],
    ["less than half", [row("198.51.100.1", 3, 1)], { unaligned: ["198.51.100.1"] }],
    ["a report of no messages", [row("198.51.100.1", 0, 0)], { unaligned: ["198.51.100.1"] }],
    [
      "the most first",
      [row("198.51.100.1", 1, 1), row("198.51.100.2", 9, 9)],
      { aligned: ["198.51.100.2", "198.51.100.1"] },
    ],
    [
      "aligned one day, and the next not",
      [row("198.51.100.1", 4, 4), row("198.51.100.1", 9, 0, 2)],
      { unaligned: ["198.51.100.1"] },
    ],
  ];
  test.each(cases)("%s", (_, rows, expected) => {
    expect(names(sources(rows, [OURS, "2001:db8::1"]))).toEqual({
      ours: [],
      aligned: [],
      unaligned: [],
      ...expected,
    });
  });

  test("over time", () => {
    const { unaligned } = sources(
      [row("198.51.100.1", 4, 1, 3), row("198.51.100.1", 2, 0, 1), row("198.51.100.1", 1, 0, 3)],
      [],
    );
    expect(unaligned).toEqual([
      {
        ip: "198.51.100.1",
        messages: 7,
        aligned: 1,
        dkim: 1,
        spf: 0,
        quarantined: 0,
        rejected: 6,
        days: [
          { day: 1, messages: 2, aligned: 0 },
          { day: 3, messages: 5, aligned: 1 },
        ],
      },
    ]);
  });
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  [" 192.0.2.1 ", "192.0.2.1"],
  ["[2001:DB8:0:0:0:0:0:1]", "2001:db8::1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["fe80::1%eth0", ""],
  ["192.0.2.256", ""],
  ["unknown", ""],
])("the address %s", (text, expected) => expect(canonicalAddress(text)).toBe(expected));

test("records of authorisation: each foreign domain once", () => {
  const domains = ["Member.test.", "member.test", "a.pool.test", "pool.test", "", "notpool.test"];
  expect(authorisationRecords(domains, "Pool.test")).toEqual([
    { name: "member.test._report._dmarc.pool.test", text: "v=DMARC1" },
    { name: "notpool.test._report._dmarc.pool.test", text: "v=DMARC1" },
  ]);
  expect(authorisationOfAll("pool.test.")).toEqual({ name: "*._report._dmarc.pool.test", text: "v=DMARC1" });
});

describe("the event", () => {
  test("of DMARC has counts, and no address", () => {
    const report = dmarc([
      rowOf({ count: 4 }),
      rowOf({ count: 2, dkim: "fail", spf: "fail" }),
      rowOf({ sourceIp: "198.51.100.1" }),
    ]);
    const data = reportReceived(digest(report), [OURS]);
    expect(data.detail).toEqual({
      kind: "dmarc",
      organization: "Provider",
      proven_by: "provider.test",
      begin: DAY * DAY_MS,
      end: (DAY + 1) * DAY_MS - 1,
      messages: 7,
      aligned: 5,
      ours: 6,
      ours_aligned: 4,
    });
    expect(JSON.stringify(data)).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
    expect(data.member).toEqual({ did, domain: "member.test" });
  });

  test("of TLS has sessions; the same report has the same key, another another", () => {
    const data = reportReceived(digest(tls), []);
    expect(data.detail).toMatchObject({ kind: "tls", succeeded: 10, failed: 6 });
    expect(reportReceived(digest({ ...tls, organization: "PROVIDER" }), []).dedupe_key).toBe(data.dedupe_key);
    expect(reportReceived(digest({ ...tls, reportId: "r-2" }), []).dedupe_key).not.toBe(data.dedupe_key);
    expect(reportReceived(digest(dmarc([rowOf()])), []).dedupe_key).not.toBe(data.dedupe_key);
  });
});

describe("what is kept", () => {
  let db: Database;
  let reports: Reports;
  beforeEach(() => {
    db = new Database(":memory:", [reportMigration]);
    reports = createReports(db);
  });
  afterEach(() => db.close());
  const range = { from: DAY - 500, to: DAY + 500 };
  const seen = (of = did, domain = "member.test") => reports.ofDomain(of, domain, range);

  test("rows of an address are put together, over reports of a day", () => {
    const first = dmarc([
      rowOf({ count: 3 }),
      rowOf({ count: 2, dkim: "fail", spf: "fail", disposition: "reject" }),
    ]);
    expect(reports.record(digest(first, "Member.test"))).toBe("recorded");
    expect(
      reports.record(
        digest(dmarc([rowOf({ dkim: "fail", disposition: "quarantine" })], { organization: "Other" })),
      ),
    ).toBe("recorded");
    expect(seen().rows).toEqual([
      { day: DAY, ip: OURS, messages: 6, aligned: 4, dkim: 3, spf: 4, quarantined: 1, rejected: 2 },
    ]);
    expect(seen().reports.map(({ organization, messages }) => [organization, messages])).toEqual([
      ["Other", 1],
      ["Provider", 5],
    ]);
    expect(seen(other)).toEqual({ rows: [], tls: [], reports: [] });
    expect(seen(did, "elsewhere.test")).toEqual({ rows: [], tls: [], reports: [] });
  });

  const again: [string, InspectedDmarcReport, string, string][] = [
    ["the same", dmarc([rowOf()]), "member.test", "duplicate"],
    ["the same with other rows", dmarc([rowOf({ count: 99 })]), "MEMBER.test", "duplicate"],
    ["another number", dmarc([rowOf()], { reportId: "r-2" }), "member.test", "recorded"],
    ["another reporter", dmarc([rowOf()], { organization: "Other" }), "member.test", "recorded"],
    ["about another domain", dmarc([rowOf()]), "other.test", "recorded"],
    [
      "older than what is kept",
      dmarc([rowOf()], { reportId: "r-2", begin: AT - RETENTION_DAYS * DAY_MS }),
      "member.test",
      "out-of-time",
    ],
    ["without a time", dmarc([rowOf()], { reportId: "r-2", begin: 0 }), "member.test", "out-of-time"],
    [
      "of the day after tomorrow",
      dmarc([rowOf()], { reportId: "r-2", begin: AT + 2 * DAY_MS }),
      "member.test",
      "out-of-time",
    ],
  ];
  test.each(again)("after one came, %s", (_, report, domain, expected) => {
    reports.record(digest(dmarc([rowOf()])));
    expect(reports.record(digest(report, domain))).toBe(expected);
  });

  test("so many reports a day, and the next day again", () => {
    for (let n = 0; n < MOST_REPORTS_A_DAY; n++)
      reports.record(digest(dmarc([rowOf()], { reportId: `r-${n}` })));
    const next = dmarc([rowOf()], { reportId: "next" });
    expect(reports.record(digest(next))).toBe("too-many");
    expect(reports.record(digest(next, "member.test", did, AT + DAY_MS))).toBe("recorded");
  });

  test("so many addresses a day: what others sent is counted together", () => {
    const crowd = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) =>
        rowOf({ sourceIp: `10.0.${(from + n) >> 8}.${(from + n) & 255}`, count: 2 }),
      );
    reports.record(digest(dmarc(crowd(0, MOST_SOURCES_A_DAY))));
    reports.record(digest(dmarc(crowd(400, 600), { reportId: "r-2" })));
    const { rows } = seen();
    expect(rows).toHaveLength(MOST_SOURCES_A_DAY + 1);
    expect(rows.find(({ ip }) => ip === "")?.messages).toBe(2 * (600 - MOST_SOURCES_A_DAY));
    expect(rows.find(({ ip }) => ip === "10.0.1.200")?.messages).toBe(4);
  });

  test("TLS by policy and failure, terms that nobody registered as one", () => {
    expect(reports.record(digest(tls))).toBe("recorded");
    expect(seen().tls).toEqual([
      { day: DAY, policy: "sts", failure: "", sessions: 10 },
      { day: DAY, policy: "sts", failure: "certificate-expired", sessions: 3 },
      { day: DAY, policy: "sts", failure: "other", sessions: 3 },
    ]);
    expect(seen().reports).toMatchObject([{ kind: "tls", messages: 16, aligned: 10 }]);
  });

  test("a member is forgotten, and everything after its time", () => {
    reports.record(digest(dmarc([rowOf()])));
    reports.record(digest(tls));
    reports.record(digest(dmarc([rowOf()], { reportId: "r-2" }), "other.test", other));
    reports.forget(did);
    expect(seen()).toEqual({ rows: [], tls: [], reports: [] });
    expect(reports.sweep(AT + (RETENTION_DAYS - 2) * DAY_MS)).toBe(0);
    expect(seen(other, "other.test").rows).toHaveLength(1);
    expect(reports.sweep(AT + (RETENTION_DAYS - 1) * DAY_MS)).toBe(2);
    expect(seen(other, "other.test")).toEqual({ rows: [], tls: [], reports: [] });
  });
});
