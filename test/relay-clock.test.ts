import { expect, test } from "vitest";
import { client, member } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();
const DAY = 86_400_000;
const mail = { from: "alice@member.test", to: "bob@a.test", subject: "Hi", text: "Hello" };

const counts = () => here.bed.spool.counts();
const setClock = (ms: number) => here.bed.clock.set(here.bed.clock.now() + ms);

/** One message that its host does not want yet. */
async function deferred(): Promise<void> {
  here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Later"] };
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ deferred: 1 });
}

test("a clock that is set six days ahead gives nothing back; what waits is tried, and expires after its five days", async () => {
  await deferred();
  setClock(6 * DAY);
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ deferred: 1 });
  const steps = await here.bed.metrics.registry.getSingleMetricAsString("atmos_clock_steps_total");
  expect(steps).toContain('{direction="ahead"} 1');
  here.bed.clock.advance(4 * DAY);
  await here.bed.relay.settle();
  // The delay was told.
  expect(await counts()).toEqual({ deferred: 1, delivered: 1 });
  here.bed.clock.advance(DAY);
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ expired: 1, delivered: 2 });
});

test("nor does one that was wrong when the node started, over a restart too", async () => {
  await deferred();
  await here.restart({}, () => setClock(6 * DAY));
  await here.bed.relay.settle();
  await here.restart();
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ deferred: 1 });
  here.sink.replies.rcpt = {};
  here.bed.clock.advance(DAY);
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ delivered: 1 });
});

test("held mail is given back after five days that the node lived through", async () => {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  await client(here.bed).sendMail(mail);
  setClock(6 * DAY);
  await here.bed.relay.returnHeld();
  expect(await counts()).toEqual({ held: 1 });
  here.bed.clock.advance(5 * DAY);
  await here.bed.relay.returnHeld();
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ returned: 1, delivered: 1 });
});

test("what would arrive with signatures that are over is held for a person, and leaves when the clock is right", async () => {
  await deferred();
  setClock(30 * DAY);
  await here.bed.relay.settle();
  expect((await here.bed.spool.list({})).entries).toMatchObject([
    {
      state: "held",
      hold: { owner: "committee", reason: "clock", note: expect.stringContaining("release it") },
    },
  ]);
  here.sink.replies.rcpt = {};
  setClock(-30 * DAY);
  const now = here.bed.clock.now();
  await here.bed.spool.release({
    by: "ann",
    why: "the clock is right",
    filter: { holdReason: "clock" },
    now,
  });
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ delivered: 1 });
});

test.each<[string, boolean]>([
  ["while the node runs", false],
  ["while it is stopped", true],
])(
  "what waits for a time of a clock that was ahead waits so much less when it is set back %s",
  async (_, stopped) => {
    const at = here.bed.clock.now();
    setClock(2 * DAY);
    await deferred();
    const [{ nextAt } = { nextAt: 0 }] = (await here.bed.spool.list({})).entries;
    expect(nextAt).toBeGreaterThan(at + 2 * DAY);
    here.sink.replies.rcpt = {};
    if (stopped) await here.restart({}, () => setClock(-2 * DAY));
    else setClock(-2 * DAY);
    await here.bed.relay.settle();
    here.bed.clock.advance(120_000);
    await here.bed.relay.settle();
    expect(await counts()).toEqual({ delivered: 1 });
  },
);
