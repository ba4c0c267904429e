import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTED_DOMAINS, HOSTING } from "../../src/devnet/index.ts";
import { DAY, HOUR, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch, cedar, damson, elder, fir] = [
  "alder.test",
  "birch.test",
  "cedar.test",
  "damson.test",
  "elder.test",
  "fir.test",
] as const;
const MEMBERS = [alder, birch, cedar, damson, elder, fir];
/** Whose own people are gone elsewhere in the same hour. */
const OTHERS: readonly string[] = [damson, fir];
const HIT = MEMBERS.filter((domain) => !OTHERS.includes(domain));
const MINUTE = HOUR / 60;
let here: RulesSandbox;

/** People whom a member writes to, at domains whose mail the provider has; and at another one. Two members know one of them. */
const hosted = (member: string, count: number) =>
  Array.from({ length: count }, (_, i) => {
    const isShared = i === 1 && (member === alder || member === fir);
    return `${isShared ? "both" : `${member.split(".")[0]}${i}`}@${HOSTED_DOMAINS[i % HOSTED_DOMAINS.length]}`;
  });
const elsewhere = (member: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${member.split(".")[0]}${i}@post.test`);

async function sent(domain: string, to: readonly string[]) {
  const replies = await here.send(domain, to);
  expect(replies.filter((reply) => !reply.startsWith("250"))).toEqual([]);
  await here.settle();
}
const suppressed = (domain: string) =>
  here.core.suppressions.list({ did: here.didOf(domain), limit: 100 }).map((one) => one.domain);
/** Whom two members met as unknown. */
const ofPool = () => here.core.suppressions.list({ did: null, limit: 100 }).map((one) => one.domain);
/** What a member was told of its standing. */
const told = (domain: string) =>
  here.core.standings.notes
    .list(here.didOf(domain))
    .filter(({ kind }) => kind === "standing")
    .map(
      ({ title, body }) => `${title}
${body}`,
    );
const policy = (domain: string) => here.relay.policyBook.byDid(here.didOf(domain))!.standing;
const err = (mx: string, erring: boolean) => here.sandbox.world.mailbox.err(mx, erring);

beforeAll(async () => {
  here = await openRules(...MEMBERS);
  for (let day = 0; day < 3; day++) {
    for (const domain of MEMBERS) await sent(domain, [...hosted(domain, 16), ...elsewhere(domain, 16)]);
    await here.pass(DAY);
  }
}, 120_000);
afterAll(() => here.close());

test("a provider refuses people who exist: what one member met before it showed is taken back, and nobody else suffers", async () => {
  const labels = await Promise.all(MEMBERS.map((domain) => here.publicLabels(domain)));
  err(HOSTING.mx, true);
  await sent(alder, hosted(alder, 16));
  expect([here.standing(alder), policy(alder)]).toEqual(["warned", "warned"]);
  expect(suppressed(alder)).toHaveLength(16);

  // In the same hour the people of two members are gone elsewhere, for good; they meet the provider too, before and after.
  await sent(fir, hosted(fir, 2));
  expect(ofPool()).toEqual(["firm2.test"]);
  err("mx.post.test", true);
  for (const domain of OTHERS) {
    await sent(domain, elsewhere(domain, 16));
    expect(here.standing(domain)).toBe("warned");
  }
  err("mx.post.test", false);
  await sent(damson, hosted(damson, 1));

  for (const domain of [birch, cedar]) {
    here.clock.advance(10 * MINUTE);
    await sent(domain, hosted(domain, 4));
  }
  await sent(elder, hosted(elder, 2));
  await here.pass(2 * MINUTE, MINUTE);
  expect(HIT.map((domain) => [here.standing(domain), policy(domain)])).toEqual(
    HIT.map(() => ["good", "good"]),
  );
  expect(HIT.map(suppressed)).toEqual(HIT.map(() => []));
  expect(ofPool()).toEqual([]);
  const [back] = here.core.standings.changesOf(here.didOf(alder));
  expect(back).toMatchObject({ from: "warned", to: "good", by: null });
  const why = /hosting refused people who exist, at \d members of the pool at once/;
  expect(told(alder).join("\n")).toMatch(why);
  expect(await here.page(alder)).toMatch(why);
  expect([birch, cedar, elder].map(told)).toEqual([[], [], []]);
  expect(here.core.digest.facts(here.clock.now()).incidents).toEqual([
    expect.stringMatching(/^hosting, .* UTC: \d+ suppressions lifted, 1 standings? restored$/),
  ]);

  // While it lasts nothing counts, however much it is.
  for (const domain of [cedar, elder]) {
    here.clock.advance(10 * MINUTE);
    await sent(domain, hosted(domain, 16));
  }
  await here.pass(2 * MINUTE, MINUTE);
  expect([here.standing(cedar), here.standing(elder)]).toEqual(["good", "good"]);
  expect(HIT.map(suppressed)).toEqual(HIT.map(() => []));
  expect(here.core.pauses.allOpen(10)).toEqual([]);
  expect(await Promise.all(MEMBERS.map((domain) => here.publicLabels(domain)))).toEqual(labels);
}, 60_000);

test.each(OTHERS)("what came of %s's own bounces at another provider in that hour stays", (domain) => {
  expect([here.standing(domain), policy(domain)]).toEqual(["warned", "warned"]);
  expect(suppressed(domain)).toEqual(elsewhere(domain, 16).map(() => "post.test"));
  expect(told(domain)).toEqual([expect.stringContaining("warned")]);
});

test("once it is over mail gets there again, and a bounce counts as ever", async () => {
  err(HOSTING.mx, false);
  await here.pass(3 * HOUR, HOUR);
  for (const domain of MEMBERS) await sent(domain, hosted(domain, 4));
  expect(MEMBERS.map((domain) => here.received(hosted(domain, 1)[0]!).length)).toEqual([4, 4, 4, 4, 4, 4]);
  expect(here.received("both@firm2.test")).toHaveLength(8);

  await here.pass(DAY);
  err(HOSTING.mx, true);
  await sent(alder, hosted(alder, 16));
  err(HOSTING.mx, false);
  await here.pass(2 * HOUR, HOUR);
  expect([here.standing(alder), policy(alder), suppressed(alder).length]).toEqual(["warned", "warned", 16]);
  expect(here.core.standings.changesOf(here.didOf(alder))[0]).toMatchObject({ rule: "BounceWarning" });
  await here.pass(14 * DAY + HOUR);
  expect(MEMBERS.map(here.standing)).toEqual(MEMBERS.map(() => "good"));
}, 60_000);
