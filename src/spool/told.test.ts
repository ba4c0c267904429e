import { expect, test } from "vitest";
import type { NewTold } from "./index.ts";
import { acceptance, attempt, spools } from "./spool.fixture.ts";

const { start } = spools();
const told = (change: Partial<NewTold> = {}): NewTold => ({
  at: 9,
  kind: "failed",
  status: "5.1.1",
  sentTo: null,
  text: "Your message ...",
  ...change,
});
const dsn = () => ({ ...acceptance({ kind: "dsn", credential: null, sender: "" }), events: [] });

test("what a member is told is kept with the result, newest first, with the recipient's state now", async () => {
  const spool = await start();
  const a = acceptance({ did: "did:plc:a" }, ["a.test", "b.test"]);
  await spool.accept(a);
  const [first, second] = a.recipients.map(({ id }) => id) as [string, string];
  const outcome = { nextAt: 9, attempt, events: [] };
  await spool.record(
    [
      { ...outcome, recipientId: first, state: "deferred", told: told({ kind: "delayed", status: "4.4.1" }) },
      { ...outcome, recipientId: second, state: "bounced", told: told({ sentTo: "ops@member.test" }) },
    ],
    9,
  );
  await spool.record([{ ...outcome, recipientId: first, state: "delivered" }], 10);
  expect(await spool.toldTo("did:plc:a")).toMatchObject([
    { kind: "failed", address: "bob@b.test", state: "bounced", sentTo: "ops@member.test" },
    { kind: "delayed", address: "bob@a.test", state: "delivered", messageId: a.message.id },
  ]);
  const [newest] = await spool.toldTo("did:plc:a", { limit: 1 });
  expect(await spool.toldTo("did:plc:a", { before: newest!.seq })).toHaveLength(1);
  expect(await spool.toldTo("did:plc:b")).toEqual([]);
  expect((await spool.toldOf(a.message.id)).map(({ kind }) => kind)).toEqual(["delayed", "failed"]);
  // It goes with its message.
  await spool.prune(Number.MAX_SAFE_INTEGER);
  expect(await spool.toldTo("did:plc:a")).toEqual([]);
});

test("what is the pool's own message can stand on a member's page", async () => {
  const spool = await start();
  const a = acceptance({ did: "did:web:pool.test", kind: "forward" });
  await spool.accept(a);
  const recipientId = a.recipients[0]!.id;
  await spool.record(
    [{ recipientId, state: "bounced", nextAt: 9, events: [], told: told({ did: "did:plc:a" }) }],
    9,
  );
  expect(await spool.toldTo("did:plc:a")).toMatchObject([{ kind: "failed", messageId: a.message.id }]);
  expect(await spool.toldTo("did:web:pool.test")).toEqual([]);
});

test("of several recipients that wait, in one group or later, one delay of the message is told", async () => {
  const spool = await start();
  const a = acceptance({}, ["a.test", "b.test"]);
  await spool.accept(a);
  const delays = a.recipients.map(({ id }) => ({
    recipientId: id,
    state: "deferred" as const,
    nextAt: 9,
    events: [],
    told: told({ kind: "delayed" }),
    follow: dsn(),
  }));
  await spool.record(delays, 9);
  await spool.record([{ ...delays[0]!, follow: dsn() }], 10);
  expect(await spool.toldOf(a.message.id)).toHaveLength(1);
  expect(await spool.counts()).toEqual({ deferred: 2, queued: 1 });
});

test("how an attempt travelled and was judged is kept, and what a message asks of TLS", async () => {
  const spool = await start();
  const a = acceptance({ ask: "require-tls" });
  await spool.accept(a);
  const judged = {
    permanent: true,
    fault: "member",
    rule: "gmail/spf",
    egress: "192.0.2.1",
    tlsPolicy: "dane",
  } as const;
  const outcome = { recipientId: a.recipients[0]!.id, state: "bounced" as const, nextAt: 0, events: [] };
  await spool.record([{ ...outcome, attempt: { ...attempt, ...judged } }], 1);
  expect(await spool.attempts(a.message.id)).toMatchObject([judged]);
  expect(await spool.message(a.message.id)).toMatchObject({ ask: "require-tls" });
});
