import { expect, test } from "vitest";
import { acceptance, attempt, spools } from "./spool.fixture.ts";

const { start } = spools();

test("forgotten are a member's finished messages up to a time, in groups, and nobody else's", async () => {
  const spool = await start();
  const messages = [
    ...[1, 2, 3].map((receivedAt) => acceptance({ receivedAt })),
    acceptance({ receivedAt: 9_000 }),
    acceptance({ did: "did:plc:b", receivedAt: 1 }),
  ];
  for (const one of messages) {
    await spool.accept(one);
    const outcomes = one.recipients.map(({ id: recipientId }) => ({
      recipientId,
      state: "delivered" as const,
      nextAt: 0,
      attempt,
      events: [],
    }));
    await spool.record(outcomes, 9_500);
  }
  const waiting = acceptance({ receivedAt: 1 });
  await spool.accept(waiting);
  expect(await spool.forget("did:plc:a", 5_000, { limit: 2 })).toBe(3);
  const left = (await spool.messages("did:plc:a")).map(({ id }) => id);
  expect(left.toSorted()).toEqual([messages[3]!.message.id, waiting.message.id].toSorted());
  expect(await spool.messages("did:plc:b")).toHaveLength(1);
  expect(await spool.counts()).toEqual({ delivered: 2, queued: 1 });
  expect(await spool.forget("did:plc:a", 5_000)).toBe(0);
});
