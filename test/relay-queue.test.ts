import { afterEach, beforeEach, expect, test } from "vitest";
import { MovableClock } from "../src/lib/clock.ts";
import {
  client,
  createSink,
  member,
  newDirectory,
  startRelay,
  stopRelay,
  type Testbed,
} from "./relay-harness.ts";

let dir: ReturnType<typeof newDirectory>;
let sink: Awaited<ReturnType<typeof createSink>>;
let bed: Testbed;
const mail = { from: "alice@member.test", to: "bob@a.test", subject: "Hi", text: "Hello" };
const who = { by: "ann", why: "the list was bought" };

beforeEach(async () => {
  dir = newDirectory();
  sink = await createSink();
  bed = await startRelay(dir.path, sink.port, new MovableClock(Date.now()));
});
afterEach(async () => {
  await stopRelay(bed);
  await sink.close();
  dir.remove();
});

/** One message that waits because its member is paused. */
async function held(): Promise<void> {
  await bed.book.apply({ ...member, version: 2, paused: true });
  await client(bed).sendMail(mail);
  await bed.relay.settle();
  expect(await bed.spool.counts()).toEqual({ held: 1 });
}

test("what a person gives back reaches the member alone, with the person's words", async () => {
  await held();
  const request = { ...who, filter: { did: member.did }, now: bed.clock.now() };
  expect(await bed.relay.bounce({ ...request, dryRun: true })).toMatchObject({ recipients: 1 });
  expect(await bed.spool.counts()).toEqual({ held: 1 });
  expect(await bed.relay.bounce(request)).toMatchObject({ recipients: 1, messages: 1 });
  await bed.relay.settle();
  expect(await bed.spool.counts()).toEqual({ delivered: 1, returned: 1 });
  expect(sink.received.map((m) => [m.from, m.to])).toEqual([["", "alice@member.test"]]);
  expect(sink.received[0]!.raw).toMatch(/^Diagnostic-Code: smtp; the list was bought\r$/m);
  const [message] = (await bed.spool.messages(member.did)).filter((m) => m.kind === "mail");
  expect(await bed.spool.operations(message!.id)).toMatchObject([{ action: "bounce", by: "ann" }]);
});

test("what a person holds stays when the pause ends, until a person releases it", async () => {
  await held();
  const request = { ...who, filter: { did: member.did }, now: bed.clock.now() };
  await bed.spool.hold({ ...request, hold: { reason: "by-hand", owner: "committee" } });
  await bed.book.apply({ ...member, version: 3 });
  await bed.relay.settle();
  expect(await bed.spool.counts()).toEqual({ held: 1 });
  await bed.spool.release(request);
  await bed.relay.settle();
  expect(await bed.spool.counts()).toEqual({ delivered: 1 });
});

test("what a person releases does not leave while the policy is against it, and stays held", async () => {
  await held();
  const request = { ...who, filter: { did: member.did }, now: bed.clock.now() };
  await bed.spool.hold({ ...request, hold: { reason: "by-hand", owner: "committee" } });
  await bed.spool.release(request);
  await bed.relay.settle();
  expect(sink.received).toEqual([]);
  expect((await bed.spool.list({})).entries).toMatchObject([{ state: "held", hold: { owner: "policy" } }]);
});
