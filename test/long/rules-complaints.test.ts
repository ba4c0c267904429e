import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY, HOUR, missing, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch, cedar] = ["alder.test", "birch.test", "cedar.test"] as const;
let here: RulesSandbox;
beforeAll(async () => {
  here = await openRules(alder, birch, cedar);
});
afterAll(() => here.close());

const notes = (domain: string) =>
  here.core.standings.notes.list(here.didOf(domain)).map(({ title }) => title);

/** Mail to so many people who call it spam; the complaints have come back when it resolves. */
async function complain(
  domain: string,
  first: number,
  count: number,
  as?: { username: string; secret: string },
) {
  const to = Array.from({ length: count }, (_, i) => `spam${first + i}@bigmail.test`);
  const replies = await here.send(domain, to, as && { as });
  expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
  await here.settle();
}

test("ComplaintNotice: a note, and nothing else", async () => {
  const before = await here.publicLabels(alder);
  await complain(alder, 1, 1);
  expect(notes(alder)[0]).toBe("Somebody called mail of yours spam");
  const page = await here.page(alder);
  expect(
    missing(page, ["Somebody called mail of yours spam", "This changes nothing of your standing"]),
  ).toEqual([]);
  expect(page).not.toContain("spam1@bigmail");
  expect([here.standing(alder), await here.publicLabels(alder)]).toEqual(["good", before]);
  expect(here.relay.policyBook.byDid(here.didOf(alder))).toMatchObject({ standing: "good" });
  expect((await here.send(alder, ["ada@bigmail.test"]))[0]).toMatch(/^250/);
});

test("ComplaintProbation: three people in a month; with the remedy and 14 days each, good again", async () => {
  const did = here.didOf(birch);
  const before = await here.publicLabels(birch);
  const ms = await here.toReachRelay(
    birch,
    ({ standing }) => standing === "probation",
    async () => {
      for (let i = 1; i <= 3; i++) {
        expect(here.standing(birch)).toBe("good");
        await here.pass(3 * DAY);
        await complain(birch, i, 1);
      }
    },
  );
  expect(ms).toBeLessThan(1_000);
  const [change] = here.core.standings.changesOf(did);
  expect(change).toMatchObject({
    to: "probation",
    rule: "ComplaintProbation",
    cause: "complaint-probation",
    evidence: { window: { complainants: 3 }, thresholds: { p_over_01: 0.95, complainants: 3 } },
  });
  expect(
    missing(await here.page(birch), ["3 different people", "Send nothing but what people ask for"]),
  ).toEqual([]);
  expect(here.core.pauses.open(did)).toEqual([]);
  expect(await here.publicLabels(birch)).toEqual(before);
  here.core.cases.remedy(did, "No newsletter any more.");
  await here.pass(14 * DAY + HOUR);
  expect(here.standing(birch)).toBe("warned");
  await here.pass(14 * DAY + HOUR);
  expect([here.standing(birch), await here.publicLabels(birch)]).toEqual(["good", before]);
  expect(here.relay.policyBook.byDid(did)!.standing).toBe("good");
});

test("ComplaintBurst: three people in a day stop one credential and ask the committee; lifted, its mail leaves", async () => {
  const did = here.didOf(cedar);
  const made = here.core.members.createCredential(did, [cedar]);
  if ("error" in made) throw new Error(made.error);
  await here.settle();
  const ms = await here.toReachRelay(
    cedar,
    ({ paused }) => paused,
    () => complain(cedar, 1, 3),
  );
  expect(ms).toBeLessThan(1_000);
  const [pause, ...others] = here.core.pauses.open(did);
  expect([pause, others]).toMatchObject([{ cause: "complaints", by: null }, []]);
  const [one, ...more] = here.core.cases.list("open", 10, did);
  expect([one, more]).toMatchObject([
    {
      kind: "complaints",
      pauseId: pause!.id,
      dueAt: one!.openedAt + 2 * DAY,
      facts: { rule: "ComplaintBurst" },
    },
    [],
  ]);
  expect(notes(cedar).join("\n")).toContain("Sending is paused");

  expect((await here.send(cedar, ["held@bigmail.test"]))[0]).toMatch(/^250 .*\[paused\]/);
  expect((await here.send(cedar, ["free@bigmail.test"], { as: made }))[0]).toMatch(/^250/);
  await here.settle();
  expect([here.received("held@bigmail.test").length, here.received("free@bigmail.test").length]).toEqual([
    0, 1,
  ]);

  here.core.cases.decide(one!.id, {
    verdict: "lift",
    by: "rosa",
    reason: "A letter that they had asked for.",
  });
  await here.settle();
  expect(here.core.pauses.open(did)).toEqual([]);
  expect(here.received("held@bigmail.test")).toHaveLength(1);
  expect((await here.send(cedar, ["bob@bigmail.test"]))[0]).toMatch(/^250(?!.*paused)/);
});
