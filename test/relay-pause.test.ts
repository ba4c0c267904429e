import { expect, test, vi } from "vitest";
import { createHabits, habitsMigration } from "../src/breaker/index.ts";
import { eventMaker, type Envelope } from "../src/event/index.ts";
import { Database } from "../src/platform/database.ts";
import { silentLog } from "../src/platform/log.ts";
import { createPolicyBook, whyHeld } from "../src/policy/index.ts";
import { credential, member, now, openStore } from "../src/policy/policy.fixture.ts";
import { createBreaker } from "../src/relay/breaker.ts";

const { did } = member;

/** `failing`: so many pauses cannot be written down first. */
async function breakerAt(at: number, failing = 0) {
  const { store } = openStore();
  let failed = 0;
  const savePause: typeof store.savePause = async (pause) => {
    if (failed++ < failing) throw new Error("no room");
    await store.savePause(pause);
  };
  const policyBook = await createPolicyBook({ ...store, savePause });
  const events: Envelope[] = [];
  const breaker = createBreaker({
    habits: createHabits(new Database(":memory:", [habitsMigration])),
    policyBook,
    spool: { appendEvents: async (more) => void events.push(...more) },
    clock: { now: () => at, sleep: async () => {} },
    event: eventMaker(
      () => at,
      () => "id",
    ),
    log: silentLog,
    recipientKey: new Uint8Array(32),
  });
  return { breaker, policyBook, store, events };
}

test("a clock that was set back begins no pause that is over already", async () => {
  const { breaker, policyBook, events } = await breakerAt(now - 3_600_000);
  await policyBook.apply({ ...member, credentials: [{ ...credential, resumedUpTo: now }] });
  breaker.pause(did, "c1", "content");
  expect(whyHeld(policyBook.byDid(did)!, "member.test", "c1")?.reason).toBe("content");
  await vi.waitFor(() => expect(events).toHaveLength(1), 15_000);
  expect(events[0]!.data.data.detail?.["pause_at"]).toBe(now + 1);
  const resumed = { ...credential, resumedUpTo: now + 1 };
  await policyBook.apply({ ...member, version: 2, credentials: [resumed] });
  expect(whyHeld(policyBook.byDid(did)!, "member.test", "c1")).toBeUndefined();
});

test("a pause that the disk refused is written down as soon as it can be", async () => {
  const { breaker, policyBook, store } = await breakerAt(now, 2);
  await policyBook.apply(member);
  breaker.pause(did, "c1", "content");
  const kept = async () => (await store.loadPolicies()).pauses;
  expect(await kept()).toEqual([]);
  await vi.waitFor(async () => expect(await kept()).toMatchObject([{ credential: "c1", at: now }]), 5_000);
});
