import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import type { HttpsText } from "../platform/https-text.ts";
import { silentLog } from "../platform/log.ts";
import type { DnsAnswer, DnsType, Resolver } from "../protocol/dns/index.ts";
import { createPolicies, type Policies } from "./policies.ts";
import { createPolicyStore, transportMigration } from "./store.ts";

const MINUTE = 60_000;
const never = new AbortController().signal;
let clock: MovableClock;
let db: Database;
let txt: string[] | "silent";
let served: HttpsText | Promise<HttpsText>;
let fetched: string[];
let policies: Policies;

const resolver: Resolver = {
  async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
    if (!name.startsWith("_mta-sts.") || type !== "TXT") throw new Error(`not asked for: ${name} ${type}`);
    if (txt === "silent") return { status: "temperror", detail: "time-out" };
    if (txt.length === 0) return { status: "nxdomain", authentic: false };
    const records = txt.map((text) => ({ text, ttl: 60 }));
    return { status: "ok", authentic: false, records } as unknown as DnsAnswer<T>;
  },
};
const policy = (mode: string, mx = "mx.x.test", maxAge = 604_800): HttpsText => ({
  ok: true,
  text: `version: STSv1\nmode: ${mode}\n${mode === "none" ? "" : `mx: ${mx}\n`}max_age: ${maxAge}\n`,
});
const gone: HttpsText = { ok: false, kind: "fetch", why: "HTTP status 404" };
const record = (id: string) => [`v=STSv1; id=${id}`];

const open = (max = 100) =>
  createPolicies({
    store: createPolicyStore(db, max),
    resolver,
    async fetch(url) {
      fetched.push(url);
      return served;
    },
    log: silentLog,
    now: () => clock.now(),
  });

beforeEach(() => {
  clock = new MovableClock(1_000_000_000);
  db = new Database(":memory:", [transportMigration]);
  txt = record("a");
  served = policy("enforce");
  fetched = [];
  policies = open();
});
afterEach(() => {
  policies.close();
  db.close();
});

const modeOf = async (domain = "x.test") => {
  const { policy: found, fault } = await policies.of(domain);
  return [found?.mode, fault?.type].filter(Boolean).join(" ");
};

describe("a domain that is written to for the first time", () => {
  test.each<[string, string[] | "silent", HttpsText, string, number]>([
    ["enforce", record("a"), policy("enforce"), "enforce", 1],
    ["testing", record("a"), policy("testing"), "testing", 1],
    ["none", record("a"), policy("none"), "none", 1],
    ["no record", [], policy("enforce"), "", 0],
    ["two records", ["v=STSv1; id=a", "v=STSv1; id=b"], policy("enforce"), "", 0],
    ["a record beside another text", ["hello", "v=STSv1; id=a"], policy("enforce"), "enforce", 1],
    ["a record that cannot be read", ["v=STSv1; id=a-b"], policy("enforce"), "", 0],
    ["a silent DNS", "silent", policy("enforce"), "", 0],
    ["no policy there", record("a"), gone, "sts-policy-fetch-error", 1],
    [
      "a wrong certificate",
      record("a"),
      { ok: false, kind: "certificate", why: "x" },
      "sts-webpki-invalid",
      1,
    ],
    ["a page", record("a"), { ok: true, text: "<html>" }, "sts-policy-invalid", 1],
  ])("%s", async (_, records, text, expected, fetches) => {
    txt = records;
    served = text;
    expect(await modeOf()).toBe(expected);
    expect(fetched).toEqual(Array(fetches).fill("https://mta-sts.x.test/.well-known/mta-sts.txt"));
  });
});

test("a policy is fetched once, whoever waits for it, and again when its id changes", async () => {
  const gate = Promise.withResolvers<HttpsText>();
  served = gate.promise;
  const both = [modeOf(), modeOf()];
  gate.resolve(policy("enforce"));
  expect(await Promise.all(both)).toEqual(["enforce", "enforce"]);
  clock.advance(DAY_MS);
  expect(await modeOf()).toBe("enforce");
  expect(fetched.length).toBe(1);
  txt = record("b");
  served = policy("testing");
  expect(await modeOf()).toBe("testing");
  expect(fetched.length).toBe(2);
});

describe("what was known stands until it expires", () => {
  test.each<[string, () => void, string]>([
    ["the DNS is silent", () => (txt = "silent"), "enforce"],
    ["the record was taken away", () => (txt = []), "enforce"],
    ["the record cannot be read", () => (txt = ["v=STSv1; id=?"]), "enforce"],
    [
      "a new policy cannot be fetched",
      () => ((txt = record("b")), (served = gone)),
      "enforce sts-policy-fetch-error",
    ],
    [
      "a new policy cannot be read",
      () => ((txt = record("b")), (served = { ok: true, text: "?" })),
      "enforce sts-policy-invalid",
    ],
    [
      "the certificate of its host is wrong",
      () => ((txt = record("b")), (served = { ok: false, kind: "certificate", why: "?" })),
      "enforce sts-webpki-invalid",
    ],
  ])("%s", async (_, change, expected) => {
    expect(await modeOf()).toBe("enforce");
    change();
    clock.advance(6 * DAY_MS);
    expect(await modeOf()).toBe(expected);
    clock.advance(2 * DAY_MS);
    expect(await modeOf()).not.toMatch(/enforce/);
  });

  test("also when the clock ran ahead for a while", async () => {
    const begin = clock.now();
    await modeOf();
    txt = [];
    clock.advance(20 * DAY_MS);
    await policies.refresh(never);
    expect(await modeOf()).toBe("");
    clock = new MovableClock(begin);
    expect(await modeOf()).toBe("enforce");
  });

  test("over a restart, and after a second without one", async () => {
    await modeOf();
    policies.close();
    policies = open();
    txt = "silent";
    expect(await modeOf()).toBe("enforce");
  });

  test("but mode none ends it at once", async () => {
    await modeOf();
    txt = record("b");
    served = policy("none");
    expect(await modeOf()).toBe("none");
    txt = [];
    expect(await modeOf()).toBe("none");
  });
});

test("a fetch that fails is tried again after five minutes, ten, twenty, at most an hour", async () => {
  served = gone;
  const at: number[] = [];
  const begin = clock.now();
  for (let minute = 0; minute <= 240; minute++) {
    const before = fetched.length;
    expect(await modeOf()).toBe("sts-policy-fetch-error");
    if (fetched.length > before) at.push((clock.now() - begin) / MINUTE);
    clock.advance(MINUTE);
  }
  expect(at).toEqual([0, 5, 15, 35, 75, 135, 195]);
});

test("a clock that was set back does not keep a fetch from being tried again", async () => {
  served = gone;
  clock.advance(365 * DAY_MS);
  await modeOf();
  clock = new MovableClock(1_000_000_000);
  served = policy("enforce");
  expect(await modeOf()).toBe("enforce");
});

test("a new id is tried at once, but not more than once a minute", async () => {
  served = gone;
  for (let i = 0; i < 120; i++) {
    txt = record(`id${i}`);
    await modeOf();
    clock.advance(1000);
  }
  expect(fetched.length).toBe(2);
});

describe("kept alive in the background", () => {
  test("after a day, or half of a short life; what nobody writes to expires", async () => {
    await modeOf("week.test");
    served = policy("enforce", "mx.x.test", 3_600);
    await modeOf("hour.test");
    fetched = [];
    clock.advance(31 * MINUTE);
    await policies.refresh(never);
    expect(fetched).toEqual(["https://mta-sts.hour.test/.well-known/mta-sts.txt"]);
    served = policy("enforce");
    clock.advance(DAY_MS);
    await policies.refresh(never);
    expect(fetched[1]).toBe("https://mta-sts.week.test/.well-known/mta-sts.txt");
    for (let day = 0; day < 75; day++) {
      clock.advance(DAY_MS);
      await policies.refresh(never);
    }
    txt = "silent";
    expect(await modeOf("week.test")).toBe("");
    expect(createPolicyStore(db, 9).count()).toBe(0);
  });

  test("a policy whose record is gone is not fetched again", async () => {
    await modeOf();
    txt = [];
    fetched = [];
    clock.advance(2 * DAY_MS);
    await policies.refresh(never);
    expect(fetched).toEqual([]);
    expect(await modeOf()).toBe("enforce");
  });

  test("a policy about whose record the DNS is silent is fetched again: its silence lets nothing expire", async () => {
    await modeOf();
    txt = "silent";
    for (let day = 0; day < 20; day++) {
      clock.advance(DAY_MS);
      await modeOf();
      await policies.refresh(never);
    }
    expect(await modeOf()).toBe("enforce");
  });

  test("a fetch that fails takes nothing away", async () => {
    await modeOf();
    served = gone;
    clock.advance(2 * DAY_MS);
    await policies.refresh(never);
    expect(await modeOf()).toBe("enforce sts-policy-fetch-error");
  });
});

test("of too many policies those unused for longest go", async () => {
  policies = open(3);
  for (const domain of ["a.test", "b.test", "c.test"]) {
    await modeOf(domain);
    clock.advance(2 * 3_600_000);
  }
  await modeOf("a.test");
  await modeOf("d.test");
  await policies.refresh(never);
  txt = "silent";
  expect(await Promise.all(["a", "b", "c", "d"].map((name) => modeOf(`${name}.test`)))).toEqual([
    "enforce",
    "",
    "enforce",
    "enforce",
  ]);
});

test("with fifty fetches under way and a hundred waiting the next does without, and asks again", async () => {
  const gate = Promise.withResolvers<HttpsText>();
  served = gate.promise;
  const waiting = Array.from({ length: 150 }, (_, i) => modeOf(`w${i}.test`));
  await expect.poll(() => fetched.length).toBe(50);
  expect(await modeOf("late.test")).toBe("sts-policy-fetch-error");
  gate.resolve(policy("enforce"));
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["enforce"]));
  expect(await modeOf("late.test")).toBe("enforce");
});
