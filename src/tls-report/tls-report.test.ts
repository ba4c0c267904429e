import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import type { Posted } from "../platform/https-post.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import type { DnsAnswer, DnsType, Resolver } from "../protocol/dns/index.ts";
import type { TlsReport } from "../protocol/tls-rpt/index.ts";
import type { TlsObservation } from "../transport/index.ts";
import {
  forgetTlsReports,
  openTlsReports,
  tlsReportMigration,
  type MailFate,
  type ReportWish,
  type TlsReports,
  type TlsReportsOptions,
} from "./index.ts";

const NOON = Date.UTC(2026, 10, 20, 12);
const HOUR = 3_600_000;

/** What is published at `_smtp._tls.<domain>`; a domain that is not there has nothing, `undefined` is an outage. */
type Zone = Record<string, string[] | undefined>;

function bed() {
  const dir = mkdtempSync(join(tmpdir(), "atmos-tls-report-"));
  const clock = new MovableClock(NOON);
  const metrics = createMetrics();
  const zone: Zone = {};
  const posts: { url: string; report: TlsReport }[] = [];
  const mails = new Map<string, ReportWish>();
  const fates = new Map<string, MailFate>();
  const answers: Record<string, Posted> = {};
  const asked: string[] = [];
  const resolver: Resolver = {
    async resolve<T extends DnsType>(name: string): Promise<DnsAnswer<T>> {
      asked.push(name);
      const domain = name.replace(/^_smtp\._tls\./, "");
      if (!Object.hasOwn(zone, domain)) return { status: "nxdomain", authentic: false };
      const texts = zone[domain];
      if (!texts) return { status: "temperror", kind: "timeout", detail: "no answer" } as DnsAnswer<T>;
      return { status: "ok", authentic: false, records: texts.map((text) => ({ text, ttl: 60 })) } as never;
    },
  };
  const options = (more: Partial<TlsReportsOptions> = {}): TlsReportsOptions => ({
    db: here.db,
    resolver,
    async post(url, type, body) {
      const answer = answers[url] ?? { ok: true, untrusted: undefined };
      expect(type).toBe("application/tlsrpt+gzip");
      if (answer.ok) posts.push({ url, report: JSON.parse(gunzipSync(body).toString()) as TlsReport });
      return answer;
    },
    clock,
    log: silentLog,
    metrics,
    identity: { poolDomain: "pool.test", hostname: "relay.pool.test", contact: "tls@pool.test" },
    random: () => 0.5,
    ...more,
  });
  const mail = {
    async send(wish: ReportWish) {
      if (wish.to.startsWith("not ")) return false;
      mails.set(wish.message, wish);
      return true;
    },
    fate: async (message: string) =>
      fates.get(message) ?? ({ state: mails.has(message) ? "waiting" : "unknown" } as const),
  };
  const open = () => new Database(join(dir, "delivery.sqlite"), [tlsReportMigration]);
  const here = {
    clock,
    metrics,
    zone,
    posts,
    mails,
    fates,
    answers,
    asked,
    options,
    db: open(),
    reports: undefined as unknown as TlsReports,
    send: () => here.reports.send(mail),
    /** To the middle of the four hours after the day. */
    async nextDay() {
      clock.advanceTo((Math.floor(clock.now() / DAY_MS) + 1) * DAY_MS + 3 * HOUR);
      await here.send();
    },
    restart(more: Partial<TlsReportsOptions> = {}) {
      here.reports.close();
      here.db.close();
      here.db = open();
      here.reports = openTlsReports(options(more));
    },
    close() {
      here.reports.close();
      here.db.close();
      rmSync(dir, { recursive: true });
    },
  };
  here.reports = openTlsReports(options());
  return here;
}

let here: ReturnType<typeof bed>;
beforeEach(() => {
  here = bed();
});
afterEach(() => here.close());

const none = { type: "no-policy-found" as const, strings: [], mxHosts: [] };
const failure = (facts: Partial<NonNullable<TlsObservation["failure"]>> = {}) => ({
  type: "starttls-not-supported" as const,
  reason: "the host offers no encryption",
  sendingIp: "192.0.2.1",
  mxHost: "mx.x.test",
  mxHelo: "mx.x.test",
  receivingIp: "198.51.100.7",
  ...facts,
});
function saw(facts: Partial<TlsObservation> = {}, times = 1): void {
  for (let i = 0; i < times; i++)
    here.reports.observe({
      at: here.clock.now(),
      domain: "x.test",
      policy: none,
      failure: undefined,
      ...facts,
    });
}
const states = () => here.reports.overview().reports.map(({ domain, state }) => `${domain} ${state}`);

describe("counting", () => {
  test("by day, domain, policy and failure, and a restart takes nothing away", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/r"];
    const sts = { type: "sts" as const, strings: ["version: STSv1", "mode: testing"], mxHosts: ["*.x.test"] };
    saw({}, 3);
    saw({ failure: failure() }, 2);
    here.restart();
    saw({ failure: failure() });
    saw({ failure: failure({ receivingIp: "198.51.100.8" }) });
    saw({ policy: sts });
    saw({ domain: "[192.0.2.1]" });
    await here.nextDay();
    expect(here.posts).toHaveLength(1);
    const [{ report }] = here.posts as [(typeof here.posts)[0]];
    expect(report).toMatchObject({
      "organization-name": "pool.test",
      "contact-info": "tls@pool.test",
      "date-range": { "start-datetime": "2026-11-20T00:00:00Z", "end-datetime": "2026-11-20T23:59:59Z" },
    });
    expect(report.policies.map(({ summary }) => Object.values(summary))).toEqual([
      [3, 4],
      [1, 0],
    ]);
    expect(report.policies[0]?.["failure-details"]?.map((one) => one["failed-session-count"])).toEqual([
      3, 1,
    ]);
    expect(report.policies[1]?.policy["policy-string"]).toEqual(["version: STSv1", "mode: testing"]);
    expect(here.asked).toEqual(["_smtp._tls.x.test"]);
  });

  test("each day for itself, and nothing before its end", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/r"];
    saw();
    here.clock.advance(11 * HOUR);
    await here.send();
    expect(here.posts).toEqual([]);
    here.clock.advance(HOUR + 60_000);
    saw({ failure: failure() });
    await here.send();
    expect(here.posts).toEqual([]);
    here.clock.advance(3 * HOUR);
    await here.send();
    await here.nextDay();
    const days = here.posts.map(({ report }) => report["date-range"]["start-datetime"].slice(0, 10));
    expect(days).toEqual(["2026-11-20", "2026-11-21"]);
    expect(here.reports.domain("x.test").map(({ day }) => day)).toEqual(["2026-11-21", "2026-11-20"]);
  });

  test("is bounded: domains, policies and details; sums stay right, and what has no room is told", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/r"];
    const limits = { policies: 3, policiesOfDomain: 2, failures: 100, failuresOfPolicy: 2 };
    here.restart({ limits });
    for (let i = 0; i < 5; i++) saw({ failure: failure({ receivingIp: `198.51.100.${i}` }) });
    for (let i = 0; i < 4; i++)
      saw({ policy: { type: "tlsa", strings: [`3 1 1 0${i}`], mxHosts: [`mx${i}.x.test`] } });
    saw({ domain: "y.test" });
    saw({ domain: "z.test" }, 2);
    expect(here.reports.overview().days).toEqual([
      { day: "2026-11-20", domains: 2, succeeded: 2, failed: 5 },
    ]);
    const uncounted = await here.metrics.tlsUncounted.get();
    expect(uncounted.values[0]?.value).toBe(5);
    // The bounds hold over a restart.
    here.restart({ limits });
    saw({ domain: "w.test" });
    expect(here.reports.overview().days[0]?.domains).toBe(2);
    await here.nextDay();
    const [policy] = here.posts[0]!.report.policies;
    expect(policy?.["failure-details"]).toHaveLength(3);
    expect(policy?.["failure-details"]?.[0]).toEqual({
      "result-type": "starttls-not-supported",
      "failed-session-count": 3,
    });
  });

  test("long and strange words are cut", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/r"];
    saw({ failure: failure({ reason: `\r\nX: ${"y".repeat(5_000)}`, mxHelo: "h\u0000".repeat(900) }) });
    await here.nextDay();
    const [detail] = here.posts[0]!.report.policies[0]!["failure-details"]!;
    expect(detail?.["failure-reason-code"]).toMatch(/^\?\?X: y{195}$/);
    expect(detail?.["receiving-mx-helo"]).toHaveLength(255);
  });

  test("of a policy without end its first lines are kept", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/r"];
    const strings = Array.from({ length: 1_000 }, (_, i) => `mx: ${"y".repeat(590)}${i}`);
    saw({ policy: { type: "sts", strings, mxHosts: ["*.x.test"] } });
    await here.nextDay();
    const kept = here.posts[0]!.report.policies[0]!.policy["policy-string"]!;
    expect(kept).toEqual(strings.slice(0, 6));
  });
});

describe("sending", () => {
  test("nobody is told who asks for nothing, and what was counted of it is forgotten", async () => {
    here.zone["z.test"] = ["v=spf1 -all"];
    saw();
    saw({ domain: "z.test" });
    await here.nextDay();
    expect([here.posts, [...here.mails.keys()], here.reports.domain("x.test"), states()]).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  test("HTTPS before mail, of several the first that takes it", async () => {
    here.zone["x.test"] = [
      "v=TLSRPTv1; rua=mailto:a@x.test,https://x.test/1,https://x.test/2,https://x.test/3",
    ];
    here.answers["https://x.test/1"] = { ok: false, why: "HTTP status 500" };
    here.answers["https://x.test/2"] = { ok: true, untrusted: "SELF_SIGNED" };
    saw();
    await here.nextDay();
    expect([...here.mails.keys()]).toEqual([]);
    expect(here.reports.overview().reports).toMatchObject([
      { state: "sent", sentTo: "https://x.test/2", why: "the receiver's certificate: SELF_SIGNED" },
    ]);
    await here.nextDay();
    expect(here.posts).toHaveLength(1);
  });

  test("mail where no URL takes it; the next address where one refuses it; then it is given up", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=mailto:a@x.test,https://x.test/1,mailto:b@x.test"];
    here.answers["https://x.test/1"] = { ok: false, why: "HTTP status 410" };
    saw();
    await here.nextDay();
    const [first] = [...here.mails.values()];
    expect(first).toMatchObject({ to: "a@x.test", domain: "x.test" });
    expect(first?.fileName).toMatch(/^pool\.test!x\.test!1795132800!1795219199![a-z2-7]{16}\.json\.gz$/);
    expect(states()).toEqual(["x.test mailed"]);
    // Killed after the spool took it: the same mail again, by the same id.
    here.restart();
    here.clock.advance(HOUR);
    await here.send();
    expect([here.mails.size, ...states()]).toEqual([1, "x.test mailed"]);
    here.fates.set(first!.message, { state: "failed", why: "550 nobody" });
    here.clock.advance(HOUR);
    await here.send();
    await here.send();
    const second = [...here.mails.values()][1];
    expect([second?.to, second?.reportId]).toEqual(["b@x.test", first?.reportId]);
    here.fates.set(second!.message, { state: "failed", why: "550 nobody either" });
    here.clock.advance(HOUR);
    await here.send();
    await here.send();
    expect(here.reports.overview()).toMatchObject({
      failed: 0,
      reports: [{ state: "waiting", refused: ["a@x.test", "b@x.test"] }],
    });
    here.clock.advance(DAY_MS);
    await here.send();
    expect(states()).toEqual(["x.test given-up"]);
    expect(here.mails.size).toBe(2);
  });

  test("given up at once where every address refuses it", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=mailto:a@x.test"];
    saw();
    await here.nextDay();
    here.fates.set([...here.mails.keys()][0]!, { state: "failed", why: "550 nobody" });
    here.clock.advance(HOUR);
    await here.send();
    await here.send();
    expect(here.reports.overview()).toMatchObject({
      failed: 1,
      reports: [{ state: "given-up", why: "a@x.test: 550 nobody" }],
    });
  });

  test("mail that is taken in the end", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=mailto:a@x.test"];
    saw();
    await here.nextDay();
    here.fates.set([...here.mails.keys()][0]!, { state: "delivered" });
    here.clock.advance(HOUR);
    await here.send();
    expect(states()).toEqual(["x.test sent"]);
    here.clock.advance(DAY_MS);
    await here.send();
    expect(here.mails.size).toBe(1);
  });

  test("an outage is waited for with longer and longer pauses, for a day; over restarts too", async () => {
    here.zone["x.test"] = undefined;
    saw();
    await here.nextDay();
    const tries: number[] = [];
    for (let minute = 0; minute < 26 * 60; minute++) {
      here.clock.advance(60_000);
      if (minute % 100 === 0) here.restart();
      const before = here.asked.length;
      await here.send();
      if (here.asked.length > before) tries.push(minute + 1);
    }
    expect(tries.length).toBeGreaterThan(6);
    expect(tries.length).toBeLessThan(14);
    expect(tries.at(-1)).toBe(24 * 60);
    expect(here.reports.overview()).toMatchObject({
      failed: 1,
      reports: [{ state: "given-up", why: "_smtp._tls.x.test: no answer" }],
    });
  });

  test("the same report each time, under one id", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/1"];
    saw({ failure: failure() }, 3);
    await here.nextDay();
    const [{ report }] = here.posts as [(typeof here.posts)[0]];
    // As a crash between the answer and its writing leaves it.
    here.db.run("UPDATE tls_report SET state = 'waiting', tries = 0, tried_at = NULL");
    here.restart();
    await here.send();
    expect(here.posts.map((one) => one.report)).toEqual([report, report]);
  });

  test("after a week nothing is left; switched off, nothing at once", async () => {
    here.zone["x.test"] = ["v=TLSRPTv1; rua=https://x.test/1"];
    saw();
    await here.nextDay();
    for (let day = 0; day < 6; day++) await here.nextDay();
    expect(states()).toHaveLength(1);
    await here.nextDay();
    expect([states(), here.reports.overview().days]).toEqual([[], []]);
    saw();
    expect(here.reports.overview().days).toHaveLength(1);
    forgetTlsReports(here.db);
    expect(here.reports.overview().days).toEqual([]);
  });

  test("a receiver that hangs keeps ten waiting once, however many domains name it", async () => {
    const hangs = "https://hangs.test/";
    const names = Array.from({ length: 60 }, (_, i) => `d${i}.test`);
    for (const name of names) here.zone[name] = [`v=TLSRPTv1; rua=${hangs}${name},${hangs}again`];
    here.zone["z.test"] = ["v=TLSRPTv1; rua=https://z.test/r"];
    const asked: string[] = [];
    const hung = () => asked.filter((url) => url.startsWith(hangs)).length;
    here.restart({
      async post(url) {
        asked.push(url);
        await new Promise(setImmediate);
        return url.startsWith(hangs)
          ? { ok: false, late: true, why: "no answer within 30000 ms" }
          : { ok: true, untrusted: undefined };
      },
    });
    for (const domain of [...names, "z.test"]) saw({ domain });
    await here.nextDay();
    const first = hung();
    expect(first).toBeLessThanOrEqual(10);
    expect(asked).toContain("https://z.test/r");
    expect(here.reports.domain("d50.test")[0]?.report).toMatchObject({
      state: "waiting",
      why: expect.stringContaining("hangs.test did not answer another report a moment ago"),
    });
    // A later pass asks it again.
    here.clock.advance(HOUR);
    await here.send();
    expect(hung()).toBeGreaterThan(first);
    expect(hung()).toBeLessThanOrEqual(20);
  });

  test("many domains: ten at once, none twice", async () => {
    const domains = Array.from({ length: 120 }, (_, i) => `d${i}.test`);
    for (const domain of domains) {
      here.zone[domain] = [`v=TLSRPTv1; rua=https://${domain}/`];
      saw({ domain });
    }
    await here.nextDay();
    await here.send();
    expect(here.posts.map(({ url }) => url).toSorted()).toEqual(
      domains.map((domain) => `https://${domain}/`).toSorted(),
    );
  });
});
