import { expect, test } from "vitest";
import { honest, print } from "./honest.fixture.ts";
import { credential, HOUR, member, now } from "./policy.fixture.ts";
import { createWorld } from "./world.fixture.ts";

/** Bounded pieces of the table in docs/policy.md: 3 % of all mail goes to an address that does not exist. */
test.each([
  { perDay: 5, days: 365 },
  { perDay: 20, days: 365 },
  { perDay: 50, days: 120 },
])(
  "an honest PDS with $perDay mails a day is not stopped in $days days",
  { timeout: 60_000 },
  async (size) => {
    const found = await honest({ ...size, signUps: 0.3, bad: 0.1, seed: 2 });
    expect(found["mails"]).toBeGreaterThan(size.perDay * size.days * 0.9);
    expect(found).toMatchObject({ content: 0, "first-contact": 0, deferred: 0 });
  },
);

test("the simulation sees a pause where there is a reason for one", { timeout: 60_000 }, async () => {
  const found = await honest({ perDay: 50, signUps: 0.9, bad: 0.5, days: 10, seed: 2 });
  expect(found["first-contact"]).toBeGreaterThan(0);
  expect(found["slow"]).toBeGreaterThan(0);
});

test.each([{ perDay: 20 }, { perDay: 50 }])(
  "a PDS of ten languages with $perDay mails a day is stopped once, and never again",
  { timeout: 60_000 },
  async ({ perDay }) => {
    const found = await honest({ perDay, signUps: 0.3, bad: 0.03, days: 90, seed: 2, languages: 10 });
    expect(found).toMatchObject({ content: 1, "first-contact": 0 });
  },
);

test("a newcomer's first busy hour: what twenty got ten minutes ago, sixty more get at once", async () => {
  const code = print("To sign in to your account, please enter the code below in the app.");
  const world = await createWorld({ ...member, tier: "new", credentials: [credential] });
  for (let i = 0; i < 20; i++) {
    expect(world.submit([`first${i}`], code, now)).toEqual({ leavesAt: now });
    world.outcome(`first${i}`, code, true, false, now);
  }
  const later = now + HOUR;
  for (let i = 0; i < 60; i++) {
    expect(world.submit([`second${i}`], code, later)).toEqual({ leavesAt: later });
  }
  expect(world.paused()).toBeUndefined();
});
