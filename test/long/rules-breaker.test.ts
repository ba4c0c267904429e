import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { DAY, HOUR, missing, openAgain, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const alder = "alder.test";
let here: RulesSandbox;
afterEach(() => here.close());

/** Mail of the member's domain since then, at the provider. */
const arrived = (since: number, domain: string = alder) =>
  here.sandbox.world.mailbox.inbox
    .list({ limit: 1_000 })
    .filter((one) => one.receivedAt >= since && one.headerFrom === `noreply@${domain}`);
const counts = () => here.relay.spool.counts();

test("a stolen credential at full speed: of 400 messages to strangers 50 at most reach the provider, then or later", async () => {
  here = await openRules(alder);
  const did = here.didOf(alder);
  // Everything that the ladder of tiers gives: an old member, an old domain, 300 at once.
  await here.pass(25 * DAY);
  here.core.members.setTier(did, "trusted");
  await here.settle();
  const victims = Array.from(
    { length: 400 },
    (_, i) => `${i % 12 === 5 ? "bounce" : "victim"}${i}@${i % 2 ? "bigmail.test" : "post.test"}`,
  );
  const text =
    "Your account is locked. Confirm who you are at https://evil.test/login within a day or lose it.";
  const since = here.clock.now();
  const left = [...victims];
  const replies: string[] = [];
  const ms = await here.toReachRelay(
    alder,
    ({ paused }) => paused,
    async () => {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let to = left.splice(0, 50); to.length > 0; to = left.splice(0, 50))
            replies.push(...(await here.send(alder, to, { subject: "Locked", text })));
        }),
      );
      await here.settle();
    },
  );
  expect(ms).toBeLessThan(1_000);
  expect(replies).toHaveLength(400);
  const [pause] = here.core.pauses.open(did);
  expect(pause).toMatchObject({ by: null });
  const reached = arrived(since).length;
  expect([reached > 0, reached <= 50]).toEqual([true, true]);

  const who = { who: "member" as const, by: did };
  const answer = here.core.pauseDesk.answer(did, pause!.id, "this-was-not-me", who, "Stolen.");
  if ("error" in answer) throw new Error(answer.error);
  await here.settle();
  await here.pass(3 * DAY, DAY);
  expect([arrived(since).length, (await counts()).held ?? 0]).toEqual([reached, 0]);
  expect((await here.send(alder, ["ada@inbox.test"]))[0]).toMatch(/^535/);
  expect((await here.send(alder, ["ada@inbox.test"], { as: answer.replaced[0]! }))[0]).toMatch(/^250/);
  await here.settle();
  expect([here.received("ada@inbox.test").length, here.standing(alder)]).toEqual([1, "good"]);
}, 60_000);

test("a false alarm, after a relay node lost what it knew: the rule ends it, and all mail arrives once", async () => {
  here = await openRules(alder);
  const users = Array.from({ length: 28 }, (_, i) => `user${i}@bigmail.test`);
  for (let day = 0; day < 9; day++) {
    const replies = await here.send(alder, users.slice(0, day < 2 ? 28 : 14));
    expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
    await here.settle();
    await here.pass(DAY);
  }
  const inUse = () =>
    here.core.members.credentialsOf(here.didOf(alder)).map(({ id, revoked }) => ({ id, revoked }));
  const credentials = inUse();
  await here.stop();
  const data = join(here.dir, "atmos");
  for (const name of readdirSync(data).filter((one) => one.startsWith("habits.sqlite")))
    rmSync(join(data, name));
  here = await openAgain(here.dir, [alder]);
  await here.settle();

  const did = here.didOf(alder);
  const strangers = Array.from({ length: 30 }, (_, i) => `fresh${i}@bigmail.test`);
  const since = here.clock.now();
  const replies = await here.send(alder, [...users, ...strangers]);
  expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
  await here.settle();
  const [pause] = here.core.pauses.of(did, 1);
  expect(pause).toMatchObject({
    cause: "content",
    end: { how: "resumed", by: "rule BreakerLiftedKnownText" },
  });
  expect(here.core.pauses.open(did)).toEqual([]);
  await here.pass(2 * HOUR, HOUR);
  expect(await counts()).not.toHaveProperty("held");
  expect(
    arrived(since)
      .map(({ mailbox }) => mailbox)
      .toSorted(),
  ).toEqual([...users, ...strangers].toSorted());

  expect(here.standing(alder)).toBe("good");
  expect(inUse()).toEqual(credentials);
  expect(here.core.standings.notes.list(did).map(({ title }) => title)).toEqual(
    expect.arrayContaining(["Sending goes on"]),
  );
  expect(missing(await here.page(alder), ["BreakerLiftedKnownText", "Sending goes on"])).toEqual([]);
  expect((await here.send(alder, ["last@bigmail.test"]))[0]).toMatch(/^250/);
}, 60_000);
