import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { caseDecide, caseShow } from "../../src/cli/case.ts";
import { runCommand } from "../run-command.ts";
import { DAY, HOUR, missing, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch, cedar, damson] = ["alder.test", "birch.test", "cedar.test", "damson.test"] as const;
const MEMBERS = [alder, birch, cedar, damson];
const USERS = Array.from({ length: 12 }, (_, i) => `user${i}@bigmail.test`);
const STOLEN = {
  subject: "Locked",
  text: "Your account is locked. Confirm who you are at https://evil.test/login within a day or lose it.",
};
let here: RulesSandbox;

beforeAll(async () => {
  here = await openRules(...MEMBERS);
  for (let day = 0; day < 10; day++) {
    for (const domain of MEMBERS) await sent(domain, USERS);
    await here.pass(DAY);
  }
  for (const domain of MEMBERS) here.core.members.setTier(here.didOf(domain), "trusted");
  await here.settle();
}, 120_000);
afterAll(() => here.close());

async function sent(domain: string, to: readonly string[], mail: Parameters<RulesSandbox["send"]>[2] = {}) {
  const replies = await here.send(domain, to, mail);
  expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
  await here.settle();
}

const arrived = (domain: string, subject: string) =>
  here.sandbox.world.mailbox.inbox
    .list({ limit: 2_000 })
    .filter((one) => one.headerFrom === `noreply@${domain}` && one.subject === subject);
const strangers = (word: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${word}${i}@${i % 2 ? "bigmail.test" : "post.test"}`);

/** Everything of a run that the breaker stopped: some got it, and so many of them call it spam two hours later. */
async function complainAbout(domain: string, subject: string, count: number) {
  const probes = arrived(domain, subject);
  for (const { id } of probes.slice(0, count)) expect(here.sandbox.world.mailbox.complain(id)).toBe(true);
  await here.settle();
}

/** As a person of the committee does, from the command line over the HTTP API. */
async function decide(id: number, how: { lift?: true; to?: string }, reason: string) {
  const env = join(here.dir, "atmos.env");
  const { code } = await runCommand(() => caseDecide(String(id), { env, reason, by: "rosa", ...how }));
  expect(code).toBe(0);
  await here.settle();
}

/** The case that a suspension opens. */
const suspendedCase = (domain: string) => {
  const [one, ...more] = here.core.cases
    .list("open", 10, here.didOf(domain))
    .filter(({ kind }) => kind === "suspended");
  expect(more).toEqual([]);
  return one;
};

test("a stolen credential, whose probes are called spam: suspended until a person has looked; then all of it comes back, and none of the thief's mail", async () => {
  const did = here.didOf(alder);
  const labels = await here.publicLabels(alder);
  const own = here.core.members.createCredential(did, [alder]);
  if ("error" in own) throw new Error(own.error);
  await here.settle();

  await sent(alder, strangers("victim", 120), STOLEN);
  const [pause, ...others] = here.core.pauses.open(did);
  expect([pause, others]).toMatchObject([{ cause: "content", by: null }, []]);
  expect(here.standing(alder)).toBe("good");
  const reached = arrived(alder, STOLEN.subject).length;
  expect([reached > 0, reached <= 50]).toEqual([true, true]);
  // The member's other credential goes on, and a provider puts one of its mails off.
  await sent(alder, ["defer1@post.test", "ada@inbox.test"], { as: own });
  expect(here.received("ada@inbox.test")).toHaveLength(1);

  here.clock.advance(HOUR / 6);
  await complainAbout(alder, STOLEN.subject, 2);
  expect([here.standing(alder), suspendedCase(alder)]).toEqual(["good", undefined]);
  const third = arrived(alder, STOLEN.subject)[2]!;
  const ms = await here.toReachRelay(
    alder,
    ({ standing }) => standing === "suspended",
    async () => {
      expect(here.sandbox.world.mailbox.complain(third.id)).toBe(true);
      await here.settle();
    },
  );
  expect(ms).toBeLessThan(1_000);

  const [change] = here.core.standings.changesOf(did);
  expect(change).toMatchObject({
    from: "good",
    to: "suspended",
    rule: "BreakerConfirmedComplaints",
    cause: "breaker-confirmed",
    by: null,
  });
  const one = suspendedCase(alder);
  expect(one).toMatchObject({ kind: "suspended", changeId: change!.id, dueAt: one!.openedAt + 2 * DAY });
  for (const as of [here.loginOf(alder), own])
    expect((await here.send(alder, ["ada@inbox.test"], { as }))[0]).toMatch(
      new RegExp(`^550 5\\.7\\.1 .*3 different people.*/members/${did}.*\\[suspended\\]`),
    );
  expect([await here.publicLabels(alder), await here.listed(alder)]).toEqual([[], "nxdomain"]);
  const page = await here.page(alder);
  const due = new Date(one!.dueAt).toISOString().slice(0, 10);
  expect(
    missing(page, ["BreakerConfirmedComplaints", "3 different people", change!.remedy, change!.wayBack.text]),
  ).toEqual([]);
  expect(page).not.toMatch(/victim\d+@/);
  const shown = await runCommand(() => caseShow(String(one!.id), { env: join(here.dir, "atmos.env") }));
  expect(missing(shown.text, [due, "BreakerConfirmedComplaints", "--lift"])).toEqual([]);

  // What the provider put off waits with the rest.
  await here.pass(2 * HOUR, HOUR);
  expect(here.received("defer1@post.test")).toEqual([]);
  const answer = here.core.pauseDesk.answer(
    did,
    pause!.id,
    "this-was-not-me",
    { who: "member", by: did },
    "Stolen.",
  );
  if ("error" in answer) throw new Error(answer.error);
  expect(here.standing(alder)).toBe("suspended");
  await decide(one!.id, { lift: true }, "A stolen credential, and the member has another one.");
  expect([here.standing(alder), here.relay.policyBook.byDid(did)!.standing]).toEqual(["good", "good"]);
  expect([await here.publicLabels(alder), await here.listed(alder)]).toEqual([labels, "ok"]);
  expect([here.core.cases.list("open", 10, did), here.core.pauses.open(did)]).toEqual([[], []]);

  await here.pass(8 * HOUR, HOUR);
  expect(here.received("defer1@post.test")).toHaveLength(1);
  expect(arrived(alder, STOLEN.subject)).toHaveLength(reached);
  expect((await here.relay.spool.counts()).held ?? 0).toBe(0);
  expect((await here.send(alder, ["ada@inbox.test"]))[0]).toMatch(/^535/);
  await sent(alder, ["ada@inbox.test"], { as: answer.replaced[0]! });
  await sent(alder, USERS, { as: own });
  expect(here.received("ada@inbox.test")).toHaveLength(2);
  expect(await here.page(alder)).toContain("A stolen credential, and the member has another one.");
}, 60_000);

test("the member's own mail to strangers, called spam: the committee gives probation, the pause ends with it, and what was held arrives once; then good by itself", async () => {
  const did = here.didOf(birch);
  const labels = await here.publicLabels(birch);
  const letter = {
    subject: "We have moved",
    text: "Our service has moved to another town, and all of you are invited to see the new garden on Sunday.",
  };
  const guests = strangers("guest", 90);
  await sent(birch, guests, letter);
  const [pause] = here.core.pauses.open(did);
  expect(pause).toMatchObject({ cause: "content" });
  await sent(birch, USERS.slice(0, 3), { subject: "Held too" });
  expect(arrived(birch, "Held too")).toEqual([]);
  here.clock.advance(HOUR / 6);
  await complainAbout(birch, letter.subject, 3);
  expect(here.standing(birch)).toBe("suspended");

  await decide(
    suspendedCase(birch)!.id,
    { to: "probation" },
    "No list was bought; people did not expect it.",
  );
  expect(here.standing(birch)).toBe("probation");
  // What a relay node stopped, and what complaints did, is answered for itself.
  expect(here.core.pauses.open(did).map(({ id }) => id)).toContain(pause!.id);
  await sent(birch, USERS.slice(3, 6), { subject: "Held too" });
  expect(arrived(birch, "Held too")).toEqual([]);
  for (const { id } of here.core.cases.list("open", 10, did)) await decide(id, { lift: true }, "Asked for.");
  const who = { who: "committee" as const, by: "rosa" };
  for (const { id } of here.core.pauses.open(did))
    here.core.pauseDesk.answer(did, id, "resumed", who, "Asked for.");
  await here.settle();
  await here.pass(6 * HOUR, HOUR);
  expect(
    arrived(birch, letter.subject)
      .map(({ mailbox }) => mailbox)
      .toSorted(),
  ).toEqual(guests.toSorted());
  expect(arrived(birch, "Held too")).toHaveLength(6);
  expect((await here.relay.spool.counts()).held ?? 0).toBe(0);
  expect([await here.publicLabels(birch), await here.listed(birch)]).toEqual([labels, "ok"]);

  expect(here.core.cases.remedy(did, "We ask before we write.")).toEqual({ waits: true });
  await here.pass(14 * DAY + HOUR);
  expect(here.standing(birch)).toBe("warned");
  await here.pass(14 * DAY + HOUR);
  expect([here.standing(birch), here.relay.policyBook.byDid(did)!.standing]).toEqual(["good", "good"]);
  expect(here.core.cases.list("open", 10, did)).toEqual([]);
}, 60_000);

/** A bought list: of those who got it, so many have no mailbox any more, as their provider says an hour later. */
async function sendToList(domain: string, dead: number) {
  const subject = `Offer of ${domain}`;
  await sent(domain, strangers(domain, 60), {
    subject,
    text: "Buy our garden gnomes, they are the best of all gnomes in town.",
  });
  expect(here.core.pauses.open(here.didOf(domain))).toMatchObject([{ cause: "content", by: null }]);
  here.clock.advance(HOUR / 2);
  const probes = arrived(domain, subject);
  for (const { id } of probes.slice(0, dead)) expect(here.sandbox.world.mailbox.sendBack(id)).toBe(true);
  await here.settle();
  return { complainant: probes.at(-1)!.id };
}

/** What the committee sees and lifts, and that the member is then as before. */
async function liftedAfter(domain: string, rule: string) {
  const did = here.didOf(domain);
  expect(here.core.standings.changesOf(did)[0]).toMatchObject({ to: "suspended", rule, by: null });
  expect(await here.publicLabels(domain)).toEqual([]);
  expect(missing(await here.page(domain), [rule])).toEqual([]);
  await decide(suspendedCase(domain)!.id, { lift: true }, "A migration, as we saw.");
  const who = { who: "committee" as const, by: "rosa" };
  for (const { id } of here.core.pauses.open(did))
    here.core.pauseDesk.answer(did, id, "resumed", who, "A migration.");
  await here.pass(HOUR, HOUR / 6);
  await here.pass(14 * DAY + HOUR);
  expect([here.standing(domain), await here.listed(domain)]).toEqual(["good", "ok"]);
  expect((await here.publicLabels(domain)).length).toBeGreaterThan(0);
  expect((await here.relay.spool.counts()).held ?? 0).toBe(0);
  await sent(domain, USERS);
}

test("half of the last people written to do not exist, while the pause is open: suspended; lifted, all is as before", async () => {
  await sendToList(cedar, 20);
  expect(here.standing(cedar)).toBe("suspended");
  await liftedAfter(cedar, "BreakerConfirmedDeadAddresses");
}, 60_000);

test("some do not exist, which suspends nobody; with one complaint it does; lifted, all is as before", async () => {
  const { complainant } = await sendToList(damson, 7);
  expect(here.standing(damson)).toBe("good");
  expect(here.sandbox.world.mailbox.complain(complainant)).toBe(true);
  await here.settle();
  expect(here.standing(damson)).toBe("suspended");
  await liftedAfter(damson, "BreakerConfirmedBoth");
}, 60_000);
