import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf } from "../../src/cli/api.ts";
import { openProvider, type Asked, type Reply } from "../../src/provider-data/loopback.fixture.ts";
import { DAY, HOUR, missing, openAgain, SHIPPED_RULES, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch] = ["alder.test", "birch.test"] as const;
let gmail: Awaited<ReturnType<typeof openProvider>>;
let here: RulesSandbox;
/** What Gmail has of each domain: the spam rate of a day (YYYY-MM-DD). On a day without a rate too little mail came. */
const rates = new Map<string, Map<string, number>>([
  [alder, new Map()],
  [birch, new Map()],
]);

/** In the shapes of the Postmaster Tools API v2. */
function answer({ url, body }: Asked): Reply {
  if (url.pathname === "/token")
    return { json: { access_token: "a", token_type: "Bearer", expires_in: 3_600 } };
  if (url.pathname === "/v2/domains")
    return { json: { domains: [...rates.keys()].map((name) => ({ name: `domains/${name}` })) } };
  if (url.pathname.endsWith("/complianceStatus")) return { json: { complianceData: { rowData: [] } } };
  const asked = JSON.parse(body) as {
    metricDefinitions: { name: string }[];
    timeQuery: { dateRanges: { dateRanges: { start: CalendarDate; end: CalendarDate }[] } };
  };
  const { start, end } = asked.timeQuery.dateRanges.dateRanges[0]!;
  const domain = decodeURIComponent(url.pathname.split("/")[3]!);
  const domainStats = [...rates.get(domain)!]
    .map(([day, rate]) => ({ metric: "spam_rate", date: dateOf(day), value: { floatValue: rate } }))
    .filter(({ date }) => order(date) >= order(start) && order(date) <= order(end));
  return { json: { domainStats } };
}

type CalendarDate = { year: number; month: number; day: number };
function dateOf(text: string): CalendarDate {
  const [year, month, day] = text.split("-").map(Number);
  return { year: year!, month: month!, day: day! };
}
const order = ({ year, month, day }: CalendarDate) => (year * 100 + month) * 100 + day;

beforeAll(async () => {
  gmail = await openProvider(answer);
  here = await openAgain(mkdtempSync(join(tmpdir(), "atmos-rules-")), [alder, birch], SHIPPED_RULES, {
    providerEndpoints: { gmail: gmail.endpoints },
  });
});
afterAll(async () => {
  await here.close();
  await gmail.close();
});

/** A day of mail, of which Gmail says a day later that so many were called spam; undefined: it says nothing. */
async function day(said: Record<string, number | undefined>): Promise<void> {
  const name = new Date(here.clock.now()).toISOString().slice(0, 10);
  for (const [domain, rate] of Object.entries(said)) {
    expect((await here.send(domain, ["ada@bigmail.test", "bob@bigmail.test"]))[0]).toMatch(/^250/);
    if (rate !== undefined) rates.get(domain)!.set(name, rate);
  }
  await here.settle();
  await here.pass(DAY, 6 * HOUR);
  // The provider is asked beside everything else: its answer is waited for.
  for (const [domain, rate] of Object.entries(said))
    if (rate !== undefined) await expect.poll(() => isReported(domain, name), { timeout: 10_000 }).toBe(true);
  await here.settle();
}

const isReported = (domain: string, name: string) =>
  here.core.events
    .recentOf(here.didOf(domain), 200)
    .some(
      ({ action, envelope }) => action === "provider_reported" && JSON.stringify(envelope).includes(name),
    );

const titles = (domain: string) =>
  here.core.standings.notes.list(here.didOf(domain)).map(({ title }) => title);
const rulesOf = (domain: string) =>
  here.core.verdicts
    .after(0, 0, 1_000)
    .filter((one) => one.did === here.didOf(domain))
    .map(({ rule }) => rule);

test("what Gmail says below its line, and of too little mail, changes nothing", async () => {
  const answered = await apiOf(join(here.dir, "atmos.env"))("POST", "/provider/connect", {
    provider: "gmail",
    grant: { clientId: "c", refreshToken: "r" },
    by: "rosa",
  });
  expect(answered["looked"]).toMatchObject({ ok: true, subjects: 2 });
  for (let i = 0; i < 3; i++) await day({ [alder]: 0.003, [birch]: undefined });
  expect([rulesOf(alder), rulesOf(birch), here.standing(alder)]).toEqual([[], [], "good"]);
  // Far enough that these days are in no window of what follows.
  await here.pass(8 * DAY, DAY);
}, 60_000);

test("ProviderComplaintsNotice: two bad days are told, with the figures, and nothing follows", async () => {
  const labels = await here.publicLabels(alder);
  for (let i = 0; i < 2; i++) await day({ [alder]: 0.006, [birch]: 0.001 });
  expect([...new Set(rulesOf(alder))]).toEqual(["ProviderComplaintsNotice"]);
  expect(rulesOf(birch)).toEqual([]);
  expect(titles(alder)[0]).toBe("Somebody called mail of yours spam");
  expect(missing(await here.page(alder), ["Gmail says that 0.6", "on 2 of the last seven days"])).toEqual([]);
  expect([here.standing(alder), await here.publicLabels(alder)]).toEqual(["good", labels]);
  expect(here.relay.policyBook.byDid(here.didOf(alder))!.standing).toBe("good");
  expect((await here.send(alder, ["ada@bigmail.test"]))[0]).toMatch(/^250/);
}, 60_000);

test("ProviderComplaints: the third bad day is a warning, at the relay node within a second; figures that come again count once; good again 14 days after the last cause", async () => {
  const did = here.didOf(alder);
  const labels = await here.publicLabels(alder);
  const ms = await here.toReachRelay(
    alder,
    ({ standing }) => standing === "warned",
    () => day({ [alder]: 0.006, [birch]: 0.001 }),
  );
  expect(ms).toBeLessThan(1_000);
  const [change, ...more] = here.core.standings.changesOf(did);
  expect([change, more]).toMatchObject([
    {
      from: "good",
      to: "warned",
      rule: "ProviderComplaints",
      cause: "provider-complaints",
      by: null,
      evidence: { window: { days: 3, days_over: 3 } },
      wayBack: { at: change!.at + 14 * DAY },
    },
    [],
  ]);
  expect(
    missing(await here.page(alder), ["ProviderComplaints", "Gmail says that 0.6", change!.remedy]),
  ).toEqual([]);
  await expect.poll(async () => (await here.settle(), here.received(`admin@${alder}`).length)).toBe(1);
  expect([here.standing(birch), await here.publicLabels(alder)]).toEqual(["good", labels]);
  expect((await here.send(alder, ["ada@bigmail.test"]))[0]).toMatch(/^250/);

  const told = rulesOf(alder).length;
  await apiOf(join(here.dir, "atmos.env"))("POST", "/provider/fetch", { provider: "gmail" });
  await here.settle();
  expect([rulesOf(alder).length, here.core.standings.changesOf(did).length]).toEqual([told, 1]);

  // The mean stays above the line for two good days more, each of which is told as a cause.
  for (let i = 0; i < 4; i++) await day({ [alder]: 0, [birch]: 0.001 });
  const { lastCauseAt } = here.core.standings.state(did);
  const later = (lastCauseAt! - change!.at) / DAY;
  expect([later > 0, later <= 3]).toEqual([true, true]);
  await here.pass(lastCauseAt! + 14 * DAY - HOUR - here.clock.now(), DAY);
  expect(here.standing(alder)).toBe("warned");
  await here.pass(2 * HOUR, HOUR);
  expect([here.standing(alder), here.relay.policyBook.byDid(did)!.standing]).toEqual(["good", "good"]);
  expect(await here.publicLabels(alder)).toEqual(labels);
  expect(here.core.standings.changesOf(did)).toMatchObject([{ from: "warned", to: "good", by: null }, {}]);
}, 60_000);
