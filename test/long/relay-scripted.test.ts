import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deferred, PHASE_SCRIPTS, type Phase, type Row } from "../phase-scripts.ts";
import { OFFERS, type Script } from "../scripted-sink.ts";
import { submit, world, type Host, type World } from "../scripted-world.ts";
import { PROVIDER_SCRIPTS, type Ended } from "../scripts.ts";

/*
 * What becomes of one message at mail hosts that do what mail hosts do: a script each, and what must follow from it. The
 * relay is a whole one; its deadlines are short, so that silence is one.
 */

/** Refused for good, the member is told so; what waits, it is told of when it has waited for hours. */
async function expectEnding({ bed, sinks }: World, index: number, id: string, ended: Ended): Promise<void> {
  const { state, nextAt } = (await bed.spool.message(id))!.recipients[0]!;
  const last = (await bed.spool.attempts(id)).at(-1);
  const what = { state, class: last?.class, permanent: last?.permanent, rule: last?.rule };
  const { transcript, rule, ...wanted } = ended;
  expect(what, last?.transcript).toMatchObject({ ...wanted, ...(rule !== undefined && { rule }) });
  expect(last?.transcript).toMatch(transcript);
  // No secret, and nothing of the message.
  expect(last?.transcript).not.toMatch(/Hello|DKIM-Signature|secret/);
  if (state === "deferred") expect(nextAt).toBeGreaterThan(bed.clock.now());
  const told = (await bed.spool.toldOf(id)).map(({ kind, status }) => [kind, status[0]]);
  expect(told).toEqual(state === "bounced" ? [["failed", "5"]] : []);
  expect(sinks[index]!.mails).toHaveLength(state === "delivered" ? 1 : 0);
}

describe.each(PROVIDER_SCRIPTS)("$provider", ({ host, cases }) => {
  test.each(cases)("$name", async ({ script, ended }) => {
    const here = await world([{ script, name: host }]);
    try {
      const id = await submit(here, "bob@d0.test");
      await here.bed.relay.settle();
      await expectEnding(here, 0, id, ended);
    } finally {
      await here.close();
    }
  });
});

type Placed = { here: World; index: number; id: string };

describe.each(Object.entries(PHASE_SCRIPTS))("%s, a host that", (_phase, rows) => {
  const worlds: World[] = [];
  const placed = new Map<string, Placed>();

  /** Mail of each row at its host, in a world of these. */
  async function tryAll(rows: readonly Row[], late?: Phase): Promise<void> {
    const here = await world(
      rows.map(([, script, , more]) => ({ script, rule: more?.rule })),
      late,
    );
    worlds.push(here);
    for (const [index, [name, , , more]] of rows.entries())
      placed.set(name, { here, index, id: await submit(here, `bob@d${index}.test`, more?.text) });
    await here.bed.relay.settle();
  }

  beforeAll(async () => {
    const [silent, others] = [rows.filter(isLate), rows.filter((row) => !isLate(row))];
    await Promise.all([tryAll(others), ...silent.map((row) => tryAll([row], row[3]?.late))]);
  }, 60_000);
  afterAll(() => Promise.all(worlds.map((one) => one.close())));

  test.each(rows.map(([name, script, ended]) => [name, script, ended] as const))(
    "%s",
    async (name, script, ended) => {
      const { here, index, id } = placed.get(name)!;
      await expectEnding(here, index, id, ended);
      for (const { pipelined } of here.sinks[index]!.mails)
        expect(pipelined).toBe((script.offers ?? OFFERS).includes("PIPELINING"));
    },
  );
});

const isLate = ([, , , more]: Row) => more?.late !== undefined;

test("a domain that puts its TLS right is believed at the next try, and asked no more often than each half minute", async () => {
  const host: Host = { script: { tls: "stranger" }, rule: { tls: "verified", minVersion: "TLSv1.2" } };
  const here = await world([host]);
  const requeue = async () => {
    const now = here.bed.clock.now();
    await here.bed.spool.requeue({ filter: {}, by: "ann", why: "it is right now", now });
    await here.bed.relay.settle();
  };
  try {
    await submit(here, "bob@d0.test");
    await here.bed.relay.settle();
    for (let i = 0; i < 3; i++) await requeue();
    expect([here.lookUps(), await here.bed.spool.counts()]).toEqual([1, { deferred: 1 }]);
    here.bed.clock.advance(30_000);
    await requeue();
    expect(here.lookUps()).toBe(2);
  } finally {
    await here.close();
  }
});

test("a host that closes after three messages has all ten, each once, and nobody waits for a retry", async () => {
  const script: Script = {
    messages: { most: 3, after: { says: "421 4.7.0 Too many messages on this connection", goes: "away" } },
  };
  const here = await world([{ script }]);
  try {
    const subjects = Array.from({ length: 10 }, (_, i) => `Number ${i}`);
    for (const subject of subjects) await submit(here, "bob@d0.test", "Hi", subject);
    await here.bed.relay.settle();
    expect(await here.bed.spool.counts()).toEqual({ delivered: 10 });
    const { mails } = here.sinks[0]!;
    expect(mails.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1]).toSorted()).toEqual(subjects);
    for (const own of Map.groupBy(mails, ({ connection }) => connection).values())
      expect(own.length).toBeLessThanOrEqual(3);
  } finally {
    await here.close();
  }
});

test("a host that is down: nobody listens", async () => {
  const here = await world([{ script: {} }]);
  try {
    await here.sinks[0]!.close();
    const id = await submit(here, "bob@d0.test");
    await here.bed.relay.settle();
    await expectEnding(here, 0, id, deferred(/ECONNREFUSED/));
  } finally {
    await here.close();
  }
});
