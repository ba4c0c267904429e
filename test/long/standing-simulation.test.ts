import { describe, expect, test } from "vitest";
import { incident } from "../../bench/standing/incident.ts";
import { createJudge } from "../../bench/standing/judge.ts";
import { live, type Happening } from "../../bench/standing/member.ts";
import { seeded } from "../../bench/standing/random.ts";
import { signUps } from "../../bench/standing/strangers.ts";
import { createFastWindows, isReporting, timeOf, type Day } from "../../bench/standing/windows.ts";
import { abuse, honest } from "../../bench/standing/scenarios.ts";
import { RUNS, steal } from "../../bench/standing/thief.ts";
import { eventMaker, type ActionName, type Envelope, type EventData } from "../../src/event/index.ts";
import { createEvidence, evidenceMigration } from "../../src/evidence/index.ts";
import { DAY_MS } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";

/** A small part of `npm run bench:standing` (docs/rules-measured.md), the same on every machine. */
const judge = await createJudge();
const size = { seed: 20, scale: 0.1 };

describe("honest members, under the shipped rules", () => {
  test.each([5, 10, 20, 50])(
    "%d a day and 3 in a hundred bounce: in 50 years no warning, and nothing worse",
    (perDay) => {
      const life = honest(judge, perDay, { bounce: 0.03, complaint: 0.0003 }, { ...size, scale: 0.05 });
      expect(life.years).toBe(50);
      expect(life).toMatchObject({ warned: 0, probation: 0, suspended: 0, paused: 0 });
      // Complaints came all the same, and each was told.
      expect(life.notice).toBeGreaterThan(0);
    },
  );

  test("50 a day at 4 %: less than one warning in ten years, and no suspension", () => {
    const life = honest(judge, 50, { bounce: 0.04, complaint: 0.0003 }, { seed: 3, scale: 0.2 });
    expect(life.warned / life.years).toBeLessThan(0.1);
    expect(life.suspended).toBe(0);
  });
});

describe("others, after two clean months", () => {
  test.each<[string, number, { bounce: number; complaint: number }, "warned" | "probation", number]>([
    ["8 % of 50 a day: warned within weeks", 50, { bounce: 0.08, complaint: 0 }, "warned", 42],
    ["30 % of 50 a day: on probation within four days", 50, { bounce: 0.3, complaint: 0 }, "probation", 4],
    ["30 % of 5 a day: warned within weeks", 5, { bounce: 0.3, complaint: 0 }, "warned", 21],
    [
      "2 % of 50 a day complain: on probation within weeks",
      50,
      { bounce: 0, complaint: 0.02 },
      "probation",
      28,
    ],
  ])("%s", (_name, perDay, rates, what, days) => {
    const found = abuse(judge, perDay, rates, { ...size, scale: 0.05 })[what];
    expect(found.days.most).not.toBeNull();
    expect(found.days.most).toBeLessThan(days);
  });
});

test.each(RUNS.filter(({ text, perMinute }) => text === "his own" && perMinute >= 60))(
  "a stolen credential, $perMinute a minute, $dead of the list dead: stopped in its first minute, 50 reached at most",
  async (run) => {
    const { stoppedAfter, firstDay } = await steal(run, 1);
    expect(stoppedAfter).not.toBeNull();
    expect(stoppedAfter).toBeLessThan(60);
    expect(firstDay).toBeLessThanOrEqual(50);
  },
);

test("an honest member whose form gets 20 dead addresses a day is warned within days, and never suspended", () => {
  const { warned, suspended } = signUps(judge, 20, { ...size, scale: 0.1 });
  expect(warned.days.most).toBeLessThan(7);
  expect(suspended.share).toBe(0);
});

test("a provider that refuses people whom it has, for a day, makes no member look worse", () => {
  const [day] = incident(judge, 1, [24]);
  expect(day!.unguarded.warned + day!.unguarded.probation).toBeGreaterThan(2);
  expect(day!.guarded).toEqual({ warned: 0, probation: 0 });
});

test("the same seed is the same life", () => {
  const happenings = (seed: number): Happening[] => [
    ...live({
      perDay: 50,
      days: 400,
      rates: () => ({ bounce: 0.08, complaint: 0.002 }),
      random: seeded(seed),
      judge,
    }),
  ];
  expect(happenings(1)).toEqual(happenings(1));
  expect(happenings(1)).not.toEqual(happenings(2));
});

/** A member whose every mail is an event of core's, beside the same days as the simulation counts them. */
function twins() {
  const db = new Database(":memory:", [evidenceMigration]);
  const evidence = createEvidence(db);
  const fast = createFastWindows();
  const did = "did:plc:simulated";
  let n = 0;

  function event(action: ActionName, at: number, sentAt: number, who: string, odd: boolean): Envelope {
    const key = String(++n);
    const make = eventMaker(
      () => Math.round(at * DAY_MS),
      () => key,
    );
    const bounced = action === "recipient_bounced";
    const data: EventData = {
      dedupe_key: key,
      member: { did, domain: "member.test" },
      credential: "credential",
      recipient: { key: who, domain: "r.test" },
      message: {
        id: who,
        size: 1,
        recipients: 1,
        stream: "transactional",
        received_at: Math.round(sentAt * DAY_MS),
      },
      smtp: {
        code: bounced ? 550 : 250,
        enhanced: "",
        text: "",
        provider: odd ? "yahoo" : "gmail",
        class: bounced ? "bad-mailbox" : "ok",
        fault: bounced ? "recipient" : "none",
      },
    };
    return make(action, data);
  }
  return { db, evidence, fast, did, event };
}

test.each([
  [5, 1],
  [20, 2],
  [40, 3],
])("at %d a day the simulation counts windows as core does", (perDay, seed) => {
  const { db, evidence, fast, did, event } = twins();
  const random = seeded(seed);
  let later: { at: number; sentAt: number; who: string }[] = [];
  let compared = 0;
  for (let day = 0; day < 120; day++) {
    const trials = random.poisson(perDay);
    const places = Array.from({ length: trials }, (_, place) => place);
    const hard = places.filter(() => random.uniform() < 0.05);
    const plan: Day = { trials, hard };
    fast.begin(plan);
    const complaints = places
      .filter((place) => isReporting(place) && !hard.includes(place) && random.uniform() < 0.02)
      .map((place) => {
        const sentAt = timeOf(day, plan, place);
        return { at: sentAt + random.logNormal(8, 1) / 24, sentAt, who: `${day} ${place}` };
      });
    later.push(...complaints);
    const due = later.filter(({ at }) => at < day + 1);
    later = later.filter(({ at }) => at >= day + 1);
    const mails = places.map((place) => ({ place, at: timeOf(day, plan, place) }));
    for (const one of [...mails, ...due].toSorted((a, b) => a.at - b.at)) {
      if ("place" in one) {
        const bounced = hard.includes(one.place);
        const who = `${day} ${one.place}`;
        const action = bounced ? "recipient_bounced" : "recipient_delivered";
        const told = event(action, one.at, one.at, who, isReporting(one.place));
        evidence.apply(told);
        if (!bounced) continue;
        fast.bounced(one.place, one.at);
        expect(evidence.windows(told).bounce).toEqual({ ...fast.bounces(one.at), domains: 1 });
      } else {
        const told = event("complaint_received", one.at, one.sentAt, one.who, true);
        evidence.apply(told);
        fast.complained(one.at, one.sentAt);
        expect(evidence.windows(told)).toMatchObject(fast.complaints(one.at));
      }
      compared++;
    }
    if (day % 50 === 49) {
      const at = day + 1 - 1e-9;
      evidence.restartWindow(did, Math.round(at * DAY_MS));
      fast.restart(at);
    }
  }
  expect(compared).toBeGreaterThan(20);
  db.close();
});
