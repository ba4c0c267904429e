import { describe, expect, test } from "vitest";
import { DAY_MS, MovableClock, type Clock } from "../lib/clock.ts";
import { createResolver, startDnsServer, type DnsServer } from "../platform/dns/index.ts";
import { faultOfLocalAddress } from "../platform/local-address.ts";
import type { EgressOptions, RunningEgress } from "./egress.ts";
import { A, START, useEgress } from "./egress.fixture.ts";
import type { ChooseRequest, Family } from "./types.ts";

const B = "192.0.2.2";
const BOTH: ReadonlySet<Family> = new Set(["ipv4", "ipv6"]);

/** A clock that goes where it is put, back too. */
class WrongClock implements Clock {
  at = START;
  now() {
    return this.at;
  }
  async sleep() {}
}

const { open, openDatabase, notices, closers } = useEgress();

const ask = (clock: Clock, more: Partial<ChooseRequest> = {}): ChooseRequest => ({
  provider: "gmail",
  families: BOTH,
  last: undefined,
  priority: 1,
  now: clock.now(),
  ...more,
});

/** Takes as much as there is, each delivered; how much that was. */
function useUp(egress: RunningEgress, clock: Clock, more: Partial<ChooseRequest> = {}): number {
  for (let n = 0; ; n++) {
    const choice = egress.choose(ask(clock, more));
    if (!choice.ok || n > 10_000) return n;
    egress.record(choice.egress.address, more.provider ?? "gmail", "delivered", clock.now());
  }
}

describe("allowances", () => {
  test("a day's allowance, a part of it for codes, and half more the next day", () => {
    const clock = new MovableClock(START);
    const egress = open(clock);
    expect(egress.allowanceLeft("gmail", false, clock.now())).toEqual({
      left: 80,
      daily: 80,
      nextAt: Date.UTC(2026, 4, 2),
    });
    expect(useUp(egress, clock)).toBe(80);
    expect(egress.choose(ask(clock))).toMatchObject({ ok: false, at: Date.UTC(2026, 4, 2) });
    expect(useUp(egress, clock, { priority: 0 })).toBe(20);
    expect(egress.allowanceLeft("gmail", true, clock.now())).toMatchObject({ left: 0, daily: 100 });
    expect(egress.allowanceLeft("yahoo", true, clock.now())).toMatchObject({ left: 100 });
    clock.advance(DAY_MS);
    expect(useUp(egress, clock, { priority: 0 })).toBe(150);
    expect(
      egress.status(clock.now())[0]!.providers.find(({ provider }) => provider === "gmail"),
    ).toMatchObject({
      stage: 1,
      allowance: 150,
      usedToday: 150,
      why: "100 of 100 arrived",
    });
  });

  test("what is given back is there again", () => {
    const clock = new MovableClock(START);
    const egress = open(clock);
    useUp(egress, clock);
    egress.giveBack(A, "gmail", clock.now());
    expect(useUp(egress, clock)).toBe(1);
    egress.giveBack("203.0.113.9", "gmail", clock.now());
    expect(useUp(egress, clock)).toBe(0);
    const yesterday = clock.now();
    clock.advance(DAY_MS);
    expect(useUp(egress, clock)).toBe(120);
    egress.giveBack(A, "gmail", yesterday);
    expect(useUp(egress, clock)).toBe(0);
  });

  test.each<[string, Partial<EgressOptions>]>([
    ["a warm address", { warm: new Set([A]) }],
    ["all of them", { warm: "all" }],
    ["the system's own choice", { addresses: [{ address: "", ehlo: "relay.coop.example" }] }],
  ])("%s has no limit", (_, more) => {
    const clock = new MovableClock(START);
    const egress = open(clock, more);
    expect(useUp(egress, clock)).toBeGreaterThan(10_000);
    expect(egress.allowanceLeft("gmail", false, clock.now())).toBeUndefined();
    expect(egress.status(clock.now())[0]).toMatchObject({ warm: true });
  });

  test("a day of refusals narrows itself, moves the stage back at its end, and the committee is told", () => {
    const clock = new MovableClock(START);
    const egress = open(clock);
    for (let day = 0; day < 4; day++) {
      useUp(egress, clock, { priority: 0 });
      clock.advance(DAY_MS);
    }
    expect(egress.allowanceLeft("gmail", true, clock.now())).toMatchObject({ daily: 500 });
    for (let i = 0; i < 100; i++) {
      egress.choose(ask(clock));
      egress.record(A, "gmail", i < 90 ? "delivered" : "blocked", clock.now());
    }
    expect(egress.allowanceLeft("gmail", true, clock.now())).toMatchObject({ left: 5, daily: 100 });
    expect(notices).toEqual([]);
    clock.advance(DAY_MS);
    expect(egress.allowanceLeft("gmail", true, clock.now())).toMatchObject({ left: 100, daily: 100 });
    expect(notices).toMatchObject([
      { address: A, change: "stepped-back", why: "gmail: 10 of 100 refused for the address" },
    ]);
  });
});

describe("restarts and clocks", () => {
  test("counters, stages and pauses outlast a restart", () => {
    const clock = new MovableClock(START);
    const first = open(clock);
    useUp(first, clock, { priority: 0 });
    clock.advance(DAY_MS);
    for (let i = 0; i < 30; i++) first.choose(ask(clock));
    first.pause(A, "yahoo", clock.now() + 60_000, "421 TSS04");
    first.hold(A, "renumbered", "ann", clock.now());
    first.release(A, "done", "ann", clock.now());
    first.hold(A, "renumbered again", "ann", clock.now());
    first.stop();
    const second = open(clock);
    expect(second.status(clock.now())[0]).toMatchObject({
      out: { reason: "by-hand", why: "ann: renumbered again" },
      providers: [
        { provider: "gmail", stage: 1, usedToday: 30 },
        { provider: "yahoo", pausedUntil: clock.now() + 60_000, why: "421 TSS04" },
      ],
    });
    expect(second.release(A, "done", "ann", clock.now())).toBe(true);
    expect(second.choose(ask(clock, { provider: "yahoo" }))).toMatchObject({
      ok: false,
      at: clock.now() + 60_000,
    });
    expect(second.choose(ask(clock))).toMatchObject({ ok: true });
  });

  test("nothing of a day is given twice, however the clock jumps", () => {
    const clock = new WrongClock();
    let egress = open(clock);
    expect(useUp(egress, clock, { priority: 0 })).toBe(100);
    const seen = new Set([0]);
    for (const day of [1, 0, 1, -1, 0, 400, 0, 1, 2, 400, 3, 2, 401]) {
      clock.at = START + day * DAY_MS;
      const got = useUp(egress, clock, { priority: 0 });
      if (seen.has(day)) expect(got, `day ${day} again`).toBe(0);
      else expect(got, `day ${day}`).toBeGreaterThan(0);
      seen.add(day);
      egress.stop();
      egress = open(clock);
      expect(useUp(egress, clock, { priority: 0 }), `day ${day} after a restart`).toBe(0);
    }
  });

  test("a day is judged once, though the clock comes back to it", () => {
    const clock = new WrongClock();
    const egress = open(clock);
    const stage = () => egress.status(clock.at)[0]!.providers[0]!.stage;
    useUp(egress, clock, { priority: 0 });
    const seen: number[] = [];
    for (const day of [1, 0, 1, 0, 1]) {
      clock.at = START + day * DAY_MS;
      seen.push(stage());
    }
    expect(seen).toEqual([1, 1, 1, 1, 1]);
  });

  test("a pause lasts five days at most, and one of a clock that was ahead is over with it", () => {
    const clock = new WrongClock();
    const egress = open(clock);
    const paused = () => egress.status(clock.at)[0]!.providers[0]?.pausedUntil;
    egress.pause(A, "gmail", Infinity, "for ever");
    expect(paused()).toBe(START + 5 * DAY_MS);
    clock.at = START - 2 * DAY_MS;
    expect(paused()).toBeUndefined();
    egress.pause(A, "gmail", clock.at + 60_000, "421");
    egress.pause(A, "gmail", clock.at + 30_000, "421, shorter");
    expect(paused()).toBe(clock.at + 60_000);
  });

  test("one small host pauses nothing but itself", () => {
    const clock = new MovableClock(START);
    const egress = open(clock);
    egress.pause(A, "other", clock.now() + 60_000, "451 come later");
    expect(egress.choose(ask(clock, { provider: "other" }))).toMatchObject({ ok: true });
  });

  test("what one small host refuses or defers narrows no allowance of all others, and takes no stage back", () => {
    const clock = new MovableClock(START);
    const egress = open(clock);
    const other = () =>
      egress.status(clock.now())[0]!.providers.find(({ provider }) => provider === "other")!;
    for (let day = 0; day < 3; day++, clock.advance(DAY_MS)) useUp(egress, clock, { provider: "other" });
    const before = egress.allowanceLeft("other", false, clock.now())!;
    expect(before.daily).toBeGreaterThan(700);
    for (let n = 0; n < 10; n++) {
      egress.record(A, "other", "blocked", clock.now());
      egress.record(A, "other", "deferred", clock.now());
    }
    expect(egress.allowanceLeft("other", false, clock.now())).toEqual(before);
    clock.advance(DAY_MS);
    expect(other().stage).toBe(3);
    expect(notices).toEqual([]);
  });

  test("a disk that is full costs nothing but time", () => {
    const clock = new MovableClock(START);
    const db = openDatabase();
    closers.push(() => db.close());
    const egress = open(clock, { db });
    egress.choose(ask(clock));
    db.exec("PRAGMA query_only=ON");
    egress.flush();
    db.exec("PRAGMA query_only=OFF");
    egress.flush();
    expect(db.all("SELECT taken FROM egress_day")).toEqual([{ taken: 1 }]);
  });
});

describe("addresses that are out of use", () => {
  const TWO = [
    { address: "127.0.0.21", ehlo: "mx1.coop.test" },
    { address: "127.0.0.22", ehlo: "mx2.coop.test" },
  ];
  const CODES = { priority: 0 };

  test("one that is not bound is left out, loudly, until it is", async () => {
    const clock = new MovableClock(START);
    let bound = false;
    const egress = open(clock, {
      addresses: [
        { address: A, ehlo: "a.test" },
        { address: B, ehlo: "b.test" },
      ],
      warm: "all",
      localFault: async (address) => (address === A && !bound ? "EADDRNOTAVAIL" : undefined),
    });
    await egress.checkBound();
    expect(egress.choose(ask(clock, { last: A }))).toEqual({
      ok: true,
      egress: { address: B, ehlo: "b.test" },
    });
    egress.unbound(B, "EADDRNOTAVAIL", clock.now());
    egress.unbound(B, "EADDRNOTAVAIL", clock.now());
    expect(egress.choose(ask(clock, CODES))).toMatchObject({
      ok: false,
      why: expect.stringContaining("not bound"),
    });
    bound = true;
    await egress.checkBound();
    expect(egress.choose(ask(clock, { last: A }))).toMatchObject({ ok: true, egress: { address: A } });
    expect(notices.map(({ address, change }) => [address, change])).toEqual([
      [A, "unbound"],
      ["", "none-left"],
      [B, "unbound"],
      ["", "some-left"],
      [A, "bound"],
      [B, "bound"],
    ]);
  });

  test("the system knows what is bound", async () => {
    expect(await faultOfLocalAddress("127.0.0.21")).toBeUndefined();
    expect(await faultOfLocalAddress("192.0.2.1")).toBe("EADDRNOTAVAIL");
  });

  test("listed: taken out at once, back after two clear looks; a list that dies changes nothing", async () => {
    const clock = new MovableClock(START);
    const listed = new Set<string>();
    let alive = true;
    const server: DnsServer = await startDnsServer({
      host: "127.0.0.1",
      port: 0,
      answer({ name, type }) {
        if (!alive) return { status: "servfail", answers: [], authoritative: true };
        const yes = name === "2.0.0.127.bl.test" || listed.has(name);
        if (!yes || type !== "A") return { status: "nxdomain", answers: [], authoritative: true };
        return {
          status: "ok",
          answers: [{ name, type, ttl: 1, data: { address: "127.0.0.2" } }],
          authoritative: true,
        };
      },
    });
    closers.push(() => server.close());
    const egress = open(clock, {
      addresses: TWO,
      warm: "all",
      blocklists: ["bl.test"],
      resolver: createResolver({ servers: [`127.0.0.1:${server.port}`], tries: 1, timeoutMs: 2_000 }),
    });
    const from = (more: Partial<ChooseRequest> = {}) => {
      const choice = egress.choose(ask(clock, { last: TWO[0]!.address, ...more }));
      return choice.ok ? choice.egress.address : choice.why;
    };
    const look = async () => {
      clock.advance(900_000);
      await egress.checkListings();
    };

    await look();
    expect(from()).toBe("127.0.0.21");
    listed.add("21.0.0.127.bl.test");
    await look();
    expect(from()).toBe("127.0.0.22");
    expect(egress.status(clock.now())[0]).toMatchObject({
      out: { reason: "listed", why: "127.0.0.21 is on bl.test", codes: false },
      listings: [{ list: "bl.test", state: "listed", evidence: "127.0.0.2" }],
    });
    alive = false;
    await look();
    await look();
    expect(from()).toBe("127.0.0.22");
    expect(egress.status(clock.now())[1]!.listings).toMatchObject([{ state: "silent" }]);
    alive = true;
    listed.add("22.0.0.127.bl.test");
    await look();
    expect(from(CODES)).toBe("127.0.0.21");
    expect(from()).toContain("is on bl.test");
    listed.clear();
    await look();
    expect(from()).toContain("is on bl.test");
    await look();
    expect(from()).toBe("127.0.0.21");
    expect(notices.map(({ address, change }) => `${address} ${change}`)).toEqual([
      "127.0.0.21 listed",
      " none-left",
      "127.0.0.22 listed",
      " some-left",
      "127.0.0.21 delisted",
      "127.0.0.22 delisted",
    ]);
  });
});
