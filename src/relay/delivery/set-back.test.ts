import { expect, test } from "vitest";
import { silentLog } from "../../platform/log.ts";
import type { QueueEntry, QueueRequest, Spool } from "../../spool/index.ts";
import { createSetBack } from "./set-back.ts";

const NOW = 1_000_000;
const entry = (id: string, state: string, nextAt: number) => ({ id, state, nextAt }) as QueueEntry;
const ENTRIES = [
  entry("retry", "deferred", NOW + 5_000_000),
  entry("due", "deferred", NOW),
  entry("taken", "queued", NOW + 1),
];

/** Two entries a page; the first `faults` looks fail. */
function world(faults = 0) {
  const due: string[] = [];
  let woken = 0;
  let setBack = 3_000;
  const spool = {
    async list(_filter: unknown, { before = 0 } = {}) {
      if (faults-- > 0) throw new Error("a full disk");
      const next = before + 2;
      return { entries: ENTRIES.slice(before, next), ...(next < ENTRIES.length && { next }) };
    },
    async requeue({ filter, earlierBy }: QueueRequest) {
      due.push(...filter.ids!.map((id) => `${id} by ${earlierBy}`));
    },
  } as unknown as Spool;
  const ages = {
    note() {
      const told = setBack;
      setBack = 0;
      return told;
    },
  };
  const clock = { now: () => NOW };
  return {
    look: createSetBack({ spool, ages, clock, log: silentLog, wake: () => void woken++ }),
    due,
    woken: () => woken,
  };
}

test("what waits for a time of the clock that was wrong waits so much less, once", async () => {
  const { look, due, woken } = world();
  await Promise.all([look(), look()]);
  await look();
  expect(due).toEqual(["retry by 3000", "taken by 3000"]);
  expect(woken()).toBe(1);
});

test("what could not be done is done at the next look", async () => {
  const { look, due } = world(1);
  await look();
  expect(due).toEqual([]);
  await look();
  expect(due).toHaveLength(2);
});
