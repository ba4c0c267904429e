import { afterEach, expect, test } from "vitest";
import { createSafeFetch } from "../platform/fetch.ts";
import { askGmail, complianceRows, feedbackIdsOf } from "./gmail.ts";
import { openProvider, type Asked, type Reply } from "./loopback.fixture.ts";

const NOW = Date.UTC(2026, 5, 10);
const DAY = { year: 2026, month: 6, day: 7 };
let server: Awaited<ReturnType<typeof openProvider>> | undefined;
afterEach(() => server?.close());

async function ask(
  answer: (asked: Asked) => Reply,
  domains: string[] = ["a.example", "b.example"],
  limits: { timeoutMs?: number; maxBytes?: number } = {},
) {
  server = await openProvider(answer);
  const fetch = createSafeFetch({ allowPrivate: true, ...limits });
  const options = { fetch, accessToken: "token", api: server.origin, domains, now: NOW };
  return askGmail(options, "2026-06-01", "2026-06-09");
}

const stat = (metric: string, value: object, date = DAY) => ({
  name: `domains/a.example/domainStats/${metric}`,
  metric,
  date,
  value,
});
const isQuery = ({ url }: Asked) => url.pathname.endsWith("domainStats:query");
const metricsOf = ({ body }: Asked) =>
  (JSON.parse(body) as { metricDefinitions: { name: string; filter?: string }[] }).metricDefinitions;

/** As the API answers; `of` may say something else. */
const usual =
  (of: (asked: Asked) => Reply | undefined = () => undefined) =>
  (asked: Asked): Reply => {
    const own = of(asked);
    if (own !== undefined) return own;
    if (asked.url.pathname === "/v2/domains") return { json: { domains: [{ name: "domains/a.example" }] } };
    if (asked.url.pathname.endsWith("/complianceStatus"))
      return {
        json: { complianceData: { rowData: [{ requirement: "SPF", status: { status: "COMPLIANT" } }] } },
      };
    if (metricsOf(asked).some(({ name }) => name === "f0"))
      return { json: { domainStats: [stat("f0", { floatValue: 0.002 })] } };
    return {
      json: {
        domainStats: [
          stat("spam_rate", { floatValue: 0 }),
          stat("dkim_rate", { doubleValue: 1 }),
          stat("spam_rate", { floatValue: 0.004 }, { ...DAY, day: 8 }),
          stat("spam_rate", {}, { ...DAY, day: 9 }),
          stat("feedback_ids", { stringList: { values: ["m7", 'bad"id'] } }),
        ],
      },
    };
  };

test("figures by day; a day without a value is no day; feedback ids are asked with ALL_DKIM", async () => {
  const got = await ask(usual());
  expect(got).toEqual({
    ok: true,
    value: {
      faults: [],
      subjects: [
        { provider: "gmail", kind: "domain", subject: "a.example" },
        { provider: "gmail", kind: "feedback-id", subject: "a.example/m7" },
      ],
      days: [
        {
          provider: "gmail",
          kind: "domain",
          subject: "a.example",
          day: "2026-06-07",
          figures: { spam_rate: 0, dkim_rate: 1 },
        },
        {
          provider: "gmail",
          kind: "domain",
          subject: "a.example",
          day: "2026-06-08",
          figures: { spam_rate: 0.004 },
        },
        {
          provider: "gmail",
          kind: "feedback-id",
          subject: "a.example/m7",
          day: "2026-06-07",
          figures: { spam_rate: 0.002 },
        },
      ],
      compliance: [{ domain: "a.example", rows: [{ requirement: "SPF", status: "met", reason: "" }] }],
    },
  });
  const [query, ids] = server!.asked.filter(isQuery);
  expect(query!.authorization).toBe("Bearer token");
  expect(query!.url.pathname).toBe("/v2/domains/a.example/domainStats:query");
  expect(JSON.parse(query!.body)).toMatchObject({
    aggregationGranularity: "DAILY",
    pageSize: 200,
    timeQuery: {
      dateRanges: {
        dateRanges: [{ start: { year: 2026, month: 6, day: 1 }, end: { year: 2026, month: 6, day: 9 } }],
      },
    },
  });
  expect(metricsOf(query!)).toContainEqual({
    name: "spf_rate",
    baseMetric: { standardMetric: "AUTH_SUCCESS_RATE" },
    filter: 'auth_type = "spf"',
  });
  expect(metricsOf(ids!)).toEqual([
    {
      name: "f0",
      baseMetric: { standardMetric: "FEEDBACK_LOOP_SPAM_RATE" },
      filter: 'feedback_loop_id = "m7" AND aggregation_key_type = "ALL_DKIM"',
    },
  ]);
});

test("of the domains of the account those are asked about that are ours or lie below", async () => {
  const names = ["a.example", "mail.a.example", "nota.example", "strangers.example"];
  const asked = new Set<string>();
  await ask(
    ({ url }) => {
      if (url.pathname === "/v2/domains")
        return { json: { domains: names.map((n) => ({ name: `domains/${n}` })) } };
      asked.add(url.pathname.split("/")[3]!);
      return { json: {} };
    },
    ["a.example"],
  );
  expect([...asked]).toEqual(["a.example", "mail.a.example"]);
});

test("pages are followed to their end", async () => {
  const got = await ask(
    usual((asked) => {
      if (!isQuery(asked)) return undefined;
      const { pageToken } = JSON.parse(asked.body) as { pageToken?: string };
      const day = pageToken === undefined ? 5 : 6;
      const next = pageToken === undefined ? { nextPageToken: "2" } : {};
      return { json: { domainStats: [stat("spam_rate", { floatValue: 0.1 }, { ...DAY, day })], ...next } };
    }),
  );
  expect(got.ok && got.value.days.map(({ day }) => day)).toEqual(["2026-06-05", "2026-06-06"]);
});

test.each([
  [
    "401: to be connected anew",
    { status: 401, json: { error: { message: "Invalid Credentials" } } },
    "broken",
    /Invalid Credentials/,
  ],
  ["429 at the list", { status: 429, json: {}, headers: { "retry-after": "90" } }, "limited", /429/],
  ["503", { status: 503, text: "busy" }, "unavailable", /503/],
  ["no JSON", { text: "<html>" }, "malformed", /no JSON/],
  ["another shape", { json: { domains: "all" } }, "malformed", /shape/],
  ["a redirect", { status: 302, text: "", headers: { location: "http://127.0.0.1:1/" } }, "unavailable", /./],
] as const)("%s", async (_, reply, kind, why) => {
  const got = await ask(() => reply as Reply);
  expect(got).toMatchObject({ ok: false, kind });
  expect(got.ok || got.why).toMatch(why);
  if (kind === "limited") expect(got).toMatchObject({ retryAfterMs: 90_000 });
});

test("who hangs, and who sends too much, is unavailable", async () => {
  expect(await ask(() => "hang", [], { timeoutMs: 100 })).toMatchObject({ ok: false, kind: "unavailable" });
  await server!.close();
  const huge = { json: { domains: [{ name: `domains/${"a".repeat(40_000)}` }] } };
  expect(await ask(() => huge, [], { maxBytes: 10_000 })).toMatchObject({ ok: false, kind: "unavailable" });
});

test("pages that go round in a circle, or never end, are a fault of that domain", async () => {
  const circle = await ask(
    usual((asked) => (isQuery(asked) ? { json: { domainStats: [], nextPageToken: "same" } } : undefined)),
  );
  expect(circle).toMatchObject({ ok: false, why: expect.stringMatching(/circle/) });
  await server!.close();
  let n = 0;
  const endless = await ask(
    usual((asked) => (isQuery(asked) ? { json: { domainStats: [], nextPageToken: `${++n}` } } : undefined)),
  );
  expect(endless).toMatchObject({ ok: false, why: expect.stringMatching(/25 pages/) });
  expect(n).toBe(25);
});

test("an account that may not list is asked for our own; those it does not know are left out", async () => {
  const got = await ask(
    usual((asked) => {
      if (asked.url.pathname === "/v2/domains") return { status: 403, json: { error: { message: "scope" } } };
      return asked.url.pathname.includes("b.example") ? { status: 403, json: {} } : undefined;
    }),
    ["b.example", "a.example"],
  );
  expect(got).toMatchObject({ ok: true, value: { faults: [] } });
  expect(got.ok && got.value.subjects[0]!.subject).toBe("a.example");
});

test("a domain that fails does not keep the others back, and a limit ends the look with what there is", async () => {
  const two = { json: { domains: [{ name: "domains/a.example" }, { name: "domains/b.example" }] } };
  for (const status of [500, 429]) {
    const got = await ask(
      usual(({ url }) => {
        if (url.pathname === "/v2/domains") return two;
        return url.pathname.includes("b.example") ? { status, json: {} } : undefined;
      }),
    );
    expect(got.ok && got.value.days.length).toBe(3);
    expect(got.ok && got.value.faults).toEqual([expect.stringMatching(new RegExp(`b.example.*${status}`))]);
    await server!.close();
  }
});

test("a subdomain's own compliance comes before that of its registrable domain; verdicts have reasons", () => {
  expect(
    complianceRows({
      complianceData: { rowData: [{ requirement: "SPF", status: { status: "NEEDS_WORK" } }] },
      subdomainComplianceData: {
        rowData: [{ requirement: "DKIM", status: { status: "COMPLIANT" } }],
        oneClickUnsubscribeVerdict: { status: { status: "NEEDS_WORK" }, reason: "NO_UNSUB_GENERAL" },
        honorUnsubscribeVerdict: { status: {} },
      },
    }),
  ).toEqual([
    { requirement: "DKIM", status: "met", reason: "" },
    { requirement: "ONE_CLICK_UNSUBSCRIBE", status: "unmet", reason: "NO_UNSUB_GENERAL" },
    { requirement: "HONOR_UNSUBSCRIBE", status: "unknown", reason: "" },
  ]);
});

test("an identifier that would end the filter is not asked for", () => {
  const values = ["m7", "bulk", 'x" OR "y', "a b", "m7"];
  expect(feedbackIdsOf([{ metric: "feedback_ids", date: DAY, value: { stringList: { values } } }])).toEqual([
    "bulk",
    "m7",
  ]);
});
