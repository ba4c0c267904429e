import { expect, test } from "vitest";
import { enter, isOver, leave, newDestination } from "./destination.ts";

test("a slot is one for all lanes from its address, and is forgotten when no lane has it and its rate is past", () => {
  const gmail = newDestination("gmail", "gmail");
  const one = enter(gmail, "192.0.2.1");
  const two = enter(gmail, "192.0.2.1");
  expect(two).toBe(one);
  one.next = 5_000;
  leave(gmail, one);
  expect(isOver(gmail, 6_000)).toBe(false);
  // The other lane waits, and what comes counts with it.
  expect(enter(gmail, "192.0.2.1")).toBe(two);
  leave(gmail, one);
  leave(gmail, two);
  expect(isOver(gmail, 4_999)).toBe(false);
  expect(isOver(gmail, 5_000)).toBe(true);
  expect(gmail.slots.size).toBe(0);
});
