import { expect, test } from "vitest";
import { client, member } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();
const mail = { from: "alice@member.test", to: "bob@a.test", subject: "Hi", text: "Hello" };
const who = { by: "ann", why: "the list was bought" };

/** One message that waits because its member is paused. */
async function held(): Promise<void> {
  await here.bed.book.apply({ ...member, version: 2, paused: true });
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
}

test("what a person gives back reaches the member alone, with the person's words", async () => {
  await held();
  const request = { ...who, filter: { did: member.did }, now: here.bed.clock.now() };
  expect(await here.bed.relay.bounce({ ...request, dryRun: true })).toMatchObject({ recipients: 1 });
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
  expect(await here.bed.relay.bounce(request)).toMatchObject({ recipients: 1, messages: 1 });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1, returned: 1 });
  expect(here.sink.received.map((m) => [m.from, m.to])).toEqual([["", "alice@member.test"]]);
  expect(here.sink.received[0]!.raw).toMatch(/^Diagnostic-Code: X-Atmos; the list was bought\r$/m);
  const [message] = (await here.bed.spool.messages(member.did)).filter((m) => m.kind === "mail");
  expect(await here.bed.spool.operations(message!.id)).toMatchObject([{ action: "bounce", by: "ann" }]);
});

test("of very many notices a hundred an hour are mailed, and the page has all", async () => {
  const now = here.bed.clock.now();
  const head = new Uint8Array(Buffer.from("From: alice@member.test\r\n\r\n"));
  const id = "m".repeat(16);
  await here.bed.spool.accept({
    message: {
      id,
      did: member.did,
      credential: "c1",
      kind: "mail",
      sender: mail.from,
      fromDomain: "member.test",
      stream: "bulk",
      priority: 2,
      template: null,
      receivedAt: now,
      size: head.length,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head,
      body: { bytes: new Uint8Array() },
    },
    recipients: Array.from({ length: 105 }, (_, n) => ({
      id: `r${String(n).padStart(15, "a")}`,
      address: `r${n}@a.test`,
      domain: "a.test",
      state: "held",
      hold: { reason: "by-hand", owner: "committee" },
      nextAt: now,
      firstTime: false,
      notify: null,
      orcpt: null,
    })),
    events: [],
  });
  await here.bed.relay.bounce({ ...who, filter: { did: member.did }, now });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ returned: 105, delivered: 100 });
  const told = await here.bed.spool.toldOf(id);
  expect(told).toHaveLength(105);
  expect(told.filter(({ sentTo }) => sentTo === null)).toHaveLength(5);
});

test("what a person holds stays when the pause ends, until a person releases it", async () => {
  await held();
  const request = { ...who, filter: { did: member.did }, now: here.bed.clock.now() };
  await here.bed.spool.hold({ ...request, hold: { reason: "by-hand", owner: "committee" } });
  await here.bed.book.apply({ ...member, version: 3 });
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ held: 1 });
  await here.bed.spool.release(request);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toEqual({ delivered: 1 });
});

test("what a person releases does not leave while the policy is against it, and stays held", async () => {
  await held();
  const request = { ...who, filter: { did: member.did }, now: here.bed.clock.now() };
  await here.bed.spool.hold({ ...request, hold: { reason: "by-hand", owner: "committee" } });
  await here.bed.spool.release(request);
  await here.bed.relay.settle();
  expect(here.sink.received).toEqual([]);
  expect((await here.bed.spool.list({})).entries).toMatchObject([
    { state: "held", hold: { owner: "policy" } },
  ]);
});
