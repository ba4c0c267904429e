import { describe, expect, test } from "vitest";
import { print } from "./honest.fixture.ts";
import { tierBound } from "./limits.ts";
import { credential, DAY, HOUR, member, now } from "./policy.fixture.ts";
import { TIERS, type Tier } from "./types.ts";
import { createWorld, type Result, type World } from "./world.fixture.ts";

const OWN = print("To confirm this email for your account, please enter the code below in the app.");
const SPAM = print("Your parcel waits at the customs office and goes back unless you pay the fee today.");
/** Sixteen words, none of them in the next one's text. */
const other = (i: number) => {
  const letters = [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  return print(Array.from({ length: 16 }, (_, n) => `${letters}${"klmnopqrstuvwxyz"[n]}`).join(" "));
};

/** A member whose template has been known for weeks, at the tier's full limits. */
async function settled(tier: Tier): Promise<World> {
  const world = await createWorld({ ...member, tier, credentials: [credential] });
  for (let i = 0; i < 300; i++) {
    const at = now - 15 * DAY + i * HOUR;
    const result = world.submit([`user${i % 30}`], OWN, at);
    expect(result).toHaveProperty("leavesAt");
    world.outcome(`user${i % 30}`, OWN, i < 30, false, at);
  }
  return world;
}

const leavingBy = (results: Result[], end: number) =>
  results.filter((result) => "leavesAt" in result && result.leavesAt <= end).length;

function count(results: Result[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of results) {
    const name = "leavesAt" in result ? "leaves" : result.kept;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe("a thief with 1,000 addresses that the member never wrote to", () => {
  test.each<[string, Tier, (i: number) => ReturnType<typeof print>, everyMs: number]>([
    ["one text, as fast as it goes", "steady", () => SPAM, 0],
    ["one text, one a second", "steady", () => SPAM, 1_000],
    ["one text, one a minute", "trusted", () => SPAM, 60_000],
    ["another text each time, as fast as it goes", "steady", other, 0],
    ["another text each time, one in ten minutes for a week", "trusted", other, 600_000],
  ])("%s: 50 leave, the rest is held, then deferred", async (_name, tier, text, everyMs) => {
    const world = await settled(tier);
    const results: Result[] = [];
    for (let i = 0; i < 1_000; i++) {
      const at = now + i * everyMs;
      const result = world.submit([`victim${i}`], text(i), at);
      if ("leavesAt" in result) world.outcome(`victim${i}`, text(i), true, false, result.leavesAt);
      results.push(result);
    }
    const { leaves, "held: content": held = 0, "held-full": full = 0, ...rest } = count(results);
    expect(leaves).toBe(50);
    expect(rest).toEqual({});
    expect(held + full).toBe(950);
    expect(world.paused()).toBe("content");
    expect(results.slice(0, 50).every((result) => "leavesAt" in result)).toBe(true);
    // The credential is stopped for the member's own mail too, until somebody says yes.
    expect(world.submit(["user1"], OWN, now + 8 * DAY)).not.toHaveProperty("leavesAt");
    await world.resume(now + 8 * DAY);
    expect(world.submit(["user1"], OWN, now + 8 * DAY)).toHaveProperty("leavesAt");
  });

  test("a new member's is held up to twice its hourly limit", async () => {
    const world = await settled("new");
    const results = Array.from({ length: 1_000 }, (_, i) => world.submit([`victim${i}`], SPAM, now));
    expect(count(results)).toEqual({ leaves: 50, "held: content": 120, "held-full": 830 });
  });

  test("one a minute at a new member, days after it began", async () => {
    const world = await settled("new");
    let left = 0;
    for (let i = 0; i < 1_000; i++) {
      const result = world.submit([`victim${i}`], SPAM, now + i * 60_000);
      if (!("leavesAt" in result)) continue;
      left++;
      world.outcome(`victim${i}`, SPAM, true, false, result.leavesAt);
    }
    expect(left).toBe(50);
    expect(world.paused()).toBe("content");
  });

  test("many recipients in one message do not help", async () => {
    const world = await settled("steady");
    const results = Array.from({ length: 50 }, (_, i) =>
      world.submit(
        Array.from({ length: 20 }, (__, n) => `victim${i}-${n}`),
        SPAM,
        now,
      ),
    );
    expect(count(results)).toMatchObject({ leaves: 2 });
  });

  test("nor do a mailbox of his own and a template made known by it", async () => {
    const world = await settled("steady");
    for (let i = 0; i < 100; i++) {
      world.submit(["thief"], SPAM, now);
      world.outcome("thief", SPAM, i === 0, false, now);
    }
    const results = Array.from({ length: 1_000 }, (_, i) => world.submit([`victim${i}`], SPAM, now + HOUR));
    expect(count(results)["leaves"]).toBeLessThanOrEqual(50);
  });

  test("nor twenty mailboxes with which he had signed up before", async () => {
    const world = await settled("steady");
    for (let i = 0; i < 20; i++) {
      world.submit([`thief${i}`], OWN, now - 3 * DAY);
      world.outcome(`thief${i}`, OWN, true, false, now - 3 * DAY);
    }
    for (let i = 0; i < 20; i++) {
      expect(world.submit([`thief${i}`], SPAM, now)).toHaveProperty("leavesAt");
      world.outcome(`thief${i}`, SPAM, false, false, now);
    }
    const results = Array.from({ length: 1_000 }, (_, i) =>
      world.submit([`victim${i}`], SPAM, now + i * 60_000),
    );
    expect(count(results)["leaves"]).toBe(50);
  });

  test("with addresses of which many do not exist he is stopped earlier", async () => {
    const world = await settled("steady");
    let left = 0;
    for (let i = 0; i < 1_000; i++) {
      const result = world.submit([`victim${i}`], SPAM, now + i * 1_000);
      if (!("leavesAt" in result)) continue;
      left++;
      world.outcome(`victim${i}`, SPAM, true, i % 4 === 0, result.leavesAt);
    }
    expect(left).toBe(17);
    expect(world.paused()).toBe("first-contact");
  });
});

describe("a thief who knows the member's own template is bounded by the tier", () => {
  test.each(TIERS)("%s", async (tier) => {
    const world = await settled(tier);
    const results: Result[] = [];
    let n = 0;
    for (let at = now; at <= now + DAY; at += 20_000) {
      for (let tries = 0; tries < 400; tries++) {
        const result = world.submit([`victim${n++}`], OWN, at);
        if (!("leavesAt" in result)) break;
        results.push(result);
      }
    }
    for (const [end, ms] of [
      [now + HOUR, HOUR],
      [now + DAY, DAY],
    ] as const) {
      const bound = tierBound(tier, ms, { firstTime: true, fewNew: true });
      expect(leavingBy(results, end)).toBeLessThanOrEqual(bound);
      expect(leavingBy(results, end)).toBeGreaterThan(bound * 0.95);
    }
  });
});

describe("a thief with the member's own template and a bought list", () => {
  test.each<[Tier, Record<"hour" | "day", number>]>([
    ["new", { hour: 60, day: 300 }],
    ["steady", { hour: 60, day: 520 }],
    ["trusted", { hour: 60, day: 520 }],
  ])("%s: a quarter of it is dead, so it is slow", async (tier, most) => {
    const world = await settled(tier);
    const results: Result[] = [];
    let n = 0;
    for (let at = now; at <= now + DAY; at += 20_000) {
      for (let tries = 0; tries < 400; tries++) {
        const to = `victim${n++}`;
        const result = world.submit([to], OWN, at);
        if (!("leavesAt" in result)) {
          expect(result.kept).toMatch(/^(dead-contacts|spray|over-limit)$/);
          break;
        }
        results.push(result);
        world.outcome(to, OWN, true, results.length % 4 === 0, result.leavesAt);
      }
    }
    const [hour, day] = [leavingBy(results, now + HOUR), leavingBy(results, now + DAY)];
    expect(hour).toBeLessThanOrEqual(most.hour);
    expect(day).toBeLessThanOrEqual(most.day);
    expect(day).toBeGreaterThan(most.day * 0.8);
    expect(world.paused()).toBeUndefined();
  });

  test("and with another text he is stopped at the fifth, slow or not", async () => {
    const world = await settled("steady");
    for (let i = 0; i < 5; i++) world.outcome(`dead${i}`, OWN, true, true, now);
    for (let i = 0; i < 5; i++) {
      expect(world.submit([`victim${i}`], SPAM, now)).toHaveProperty("leavesAt");
      world.outcome(`victim${i}`, SPAM, true, true, now);
    }
    expect(world.paused()).toBe("first-contact");
  });
});

describe("a thief who writes to each of a clean list with the member's template first, and then what he likes", () => {
  test.each<Tier>(["new", "steady", "trusted"])("%s: 50 get that, on the first day", async (tier) => {
    const world = await settled(tier);
    let left = 0;
    for (let i = 0; i < 1_000; i++) {
      const [to, at] = [`victim${i}`, now + i * 60_000];
      const opening = world.submit([to], OWN, at);
      if (!("leavesAt" in opening)) continue;
      world.outcome(to, OWN, true, false, at);
      const result = world.submit([to], SPAM, at + 1);
      if (!("leavesAt" in result)) continue;
      left++;
      world.outcome(to, SPAM, true, false, at + 1);
    }
    expect(left).toBe(50);
    expect(world.paused()).toBe("content");
  });
});

describe("a stranger at the sign-up form", () => {
  test("makes new sign-ups slow, and stops nobody's login code", async () => {
    const world = await settled("steady");
    const trips: unknown[] = [];
    let strangers = 0;
    let turnedAway = 0;
    for (let minute = 0; minute < 24 * 60; minute++) {
      const at = now + minute * 60_000;
      // He types five dead addresses a minute; somebody signs up each hour, and users log in.
      for (let i = 0; i < 5; i++) {
        const to = `dead${strangers++}`;
        const result = world.submit([to], OWN, at);
        if ("leavesAt" in result) trips.push(world.outcome(to, OWN, true, true, result.leavesAt));
        else turnedAway++;
      }
      expect(world.submit([`user${minute % 30}`], OWN, at + 1)).toEqual({ leavesAt: at + 1 });
    }
    expect(world.paused()).toBeUndefined();
    expect(trips).not.toContain("pause");
    expect(strangers - turnedAway).toBeLessThanOrEqual(520);
    // He stops: six hours later nothing is slow.
    const later = now + DAY + 7 * HOUR;
    for (let i = 0; i < 60; i++) {
      expect(world.submit([`welcome${i}`], OWN, later)).toEqual({ leavesAt: later });
    }
  });

  test("who types five and goes: who signs up next still gets the code at once", async () => {
    const world = await settled("steady");
    const trips = Array.from({ length: 5 }, (_, i) => world.outcome(`dead${i}`, OWN, true, true, now));
    expect(trips.at(-1)).toBe("slow");
    for (let i = 0; i < 20; i++) expect(world.submit([`welcome${i}`], OWN, now)).toEqual({ leavesAt: now });
    expect(world.submit(["one more"], OWN, now)).toEqual({ leavesAt: now + 3 * 60_000 });
    for (let i = 0; i < 2; i++) expect(world.submit([`and${i}`], OWN, now)).toHaveProperty("leavesAt");
    expect(world.submit(["too many"], OWN, now)).toEqual({ kept: "dead-contacts" });
    // Twenty of them get it, and it is over.
    for (let i = 0; i < 20; i++) world.outcome(`welcome${i}`, OWN, true, false, now);
    expect(world.submit(["too many"], OWN, now)).toEqual({ leavesAt: now });
  });
});
