import { expect, test } from "vitest";
import { honest } from "./honest.fixture.ts";

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
});
