import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Envelope, EventData } from "../../event/index.ts";
import type { RulesEngine, RuleVerdict } from "../../rules/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const other = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let here: Awaited<ReturnType<typeof openCore>>;
let credential: string;
/** What the rules say of the next event. */
let verdicts: RuleVerdict[];

const engine: RulesEngine = {
  hash: "test",
  judges: () => true,
  sourceOf: () => undefined,
  shadow: { rules: [], labels: [] },
  evaluate: () => ({
    verdicts: verdicts.splice(0),
    declared: [],
    errorCount: 0,
    errors: [],
    failed: [],
    trace: [],
  }),
};

const effect = (
  label: string,
  entityType: string,
  entityId: string,
  expiresAfterS: number | null = null,
) => ({
  label,
  entityType,
  entityId,
  status: "added" as const,
  expiresAfterS,
  applyIf: null,
});
function says(
  label: string,
  entityType: string,
  entityId: string,
  expiresAfterS: number | null = null,
): void {
  const effects = [effect(label, entityType, entityId, expiresAfterS)];
  const rule = `Rule ${label}`;
  const description = `Because of ${label}.`;
  verdicts.push({ rule, description, effects, shadow: false, wouldEffects: effects, values: { Seen: 1 } });
}

beforeEach(async () => {
  verdicts = [];
  here = await openCore(Date.UTC(2026, 0, 1), { rules: engine, committeeMail: "committee@people.test" });
  const form = { name: "Ada", domains: [], daily: null, purpose: "", pds: "", words: "" };
  for (const who of [did, other]) {
    core().admission.apply(who, { ...form, contact: "contact@ada.test" }, "Ada");
    core().admission.approve(who, { tier: "new", note: "", by: "rosa" });
  }
  await core().members.addDomain(did, "ada.test");
  core().members.setDomainStatus("ada.test", "active");
  const made = core().members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  credential = made.id;
  core().webhooks.set(did, "https://ada.test/hooks", "ada");
  here.clock.advance(DAY);
  await here.publish(event("message_accepted"));
});
afterEach(() => here.close());

const core = () => here.core;
const standing = () => core().standings.state(did).standing;
let n = 0;
function event(action: Parameters<typeof here.newEvent>[0], more: Partial<EventData> = {}): Envelope {
  return here.newEvent(action, {
    dedupe_key: `k${++n}`,
    member: { did, domain: "ada.test" },
    credential,
    ...more,
  });
}
async function happens(
  action: Parameters<typeof event>[0] = "recipient_bounced",
  more: Partial<EventData> = {},
) {
  here.clock.advance(1_000);
  const told = event(action, more);
  await here.publish(told);
  return told;
}
const notes = () =>
  core()
    .standings.notes.list(did)
    .map(({ title }) => title);
const hooked = () =>
  core()
    .webhooks.receipts(did)
    .map(({ type }) => type);

describe("each label of the rules has one meaning", () => {
  test.each([
    ["bounce-warning", "warned"],
    ["bounce-probation", "probation"],
    ["complaint-probation", "probation"],
    ["provider-complaints", "warned"],
    ["breaker-confirmed", "suspended"],
  ])("%s: %s, told by note, mail and receiver", async (label, expected) => {
    says(label, "Member", did);
    const told = await happens();
    expect(standing()).toBe(expected);
    const [change] = core().standings.changesOf(did);
    expect(change).toMatchObject({
      cause: label,
      rule: `Rule ${label}`,
      description: `Because of ${label}.`,
      actionId: told.data.action_id,
    });
    expect(notes()[0]).toContain(expected);
    expect(hooked()).toContain("standing.changed");
    expect(core().notices.receipt(`standing:${change!.id}`)).toMatchObject({ state: "waiting" });
  });

  test("a label on somebody else, or on what is not the event's, has no effect", async () => {
    says("bounce-warning", "Member", other);
    says("complaint-burst", "Credential", "not-its-own");
    says("authentication-broken", "Domain", "else.test");
    says("bounce-warning", "Domain", "ada.test");
    await happens();
    expect(standing()).toBe("good");
    expect(core().standings.state(other).standing).toBe("good");
    expect(core().pauses.open(did)).toEqual([]);
    expect(core().standings.holds()).toEqual([]);
  });

  test("a verdict in shadow is kept, and has no effect", async () => {
    says("bounce-warning", "Member", did);
    verdicts[0] = { ...verdicts[0]!, shadow: true, effects: [] };
    await happens();
    expect(standing()).toBe("good");
    expect(core().verdicts.of(did)).toMatchObject([
      { shadow: true, labels: [], wouldLabels: ["bounce-warning"] },
    ]);
    expect(core().digest.facts(here.clock.now()).rules).toEqual([
      "Rule bounce-warning (in shadow) held once, for 1 member",
    ]);
  });

  test("complaint-notice: a note and a receiver's message, once, and no change", async () => {
    says("complaint-notice", "Member", did);
    const told = await happens("complaint_received");
    says("complaint-notice", "Member", did);
    await here.publish(told);
    expect(standing()).toBe("good");
    expect(notes().filter((title) => title.startsWith("Somebody called"))).toHaveLength(1);
    expect(hooked()).toEqual(["complaint.received"]);
  });

  test("complaint-burst: the credential stops and the committee is asked; lifted, it goes on", async () => {
    says("complaint-burst", "Credential", credential);
    await happens("complaint_received");
    expect(core().policyOf(did)!.credentials).toMatchObject([{ id: credential, paused: true }]);
    says("complaint-burst", "Credential", credential);
    await happens("complaint_received");
    const [one, ...more] = core().cases.list("open", 10);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ did, kind: "complaints", dueAt: one!.openedAt + 2 * DAY });
    expect(
      core().cases.decide(one!.id, { verdict: "lift", by: "rosa", reason: "A newsletter." }),
    ).toMatchObject({
      decision: { by: "rosa", verdict: "lift" },
    });
    expect(core().pauses.open(did)).toEqual([]);
    expect(core().policyOf(did)!.credentials[0]).not.toHaveProperty("paused");
  });

  test("complaint-burst upheld: from then on only a person ends it", async () => {
    says("complaint-burst", "Credential", credential);
    await happens("complaint_received");
    const [one] = core().cases.list("open", 10);
    core().cases.decide(one!.id, { verdict: "uphold", by: "rosa", reason: "Spam." });
    const persons = core()
      .pauses.open(did)
      .find(({ by }) => by === "rosa")!;
    const answer = core().pauseDesk.answer(did, persons.id, "this-was-me", { who: "member", by: did }, "");
    expect(answer).toEqual({ error: "not-yours", did });
  });

  test("breaker-lifted on the very event of the pause: it ends, and what was held may leave", async () => {
    says("breaker-lifted", "Credential", credential);
    await happens("member_paused", { detail: { cause: "content", pause_at: here.clock.now() } });
    const [pause] = core().pauses.of(did, 1);
    expect(pause).toMatchObject({
      cause: "content",
      end: { how: "resumed", by: "rule Rule breaker-lifted", reason: "Because of breaker-lifted." },
    });
    const [policy] = core().policyOf(did)!.credentials;
    expect(policy).toMatchObject({ id: credential, resumedUpTo: pause!.at });
    expect(policy).not.toHaveProperty("paused");
  });

  test("breaker-lifted ends no person's pause", async () => {
    core().pauseDesk.pause(did, { credential, reason: "Wait", by: "rosa" });
    says("breaker-lifted", "Credential", credential);
    await happens("message_held");
    expect(core().pauses.open(did)).toMatchObject([{ by: "rosa" }]);
  });

  test("authentication: held by a rule alone, told with the record, and released by a check that passes", async () => {
    await happens("domain_checked", { detail: { summary: "broken" } });
    expect(core().members.domain("ada.test")!.status).toBe("active");
    says("authentication-broken", "Domain", "ada.test");
    await happens("domain_checked", { detail: { summary: "broken" } });
    expect(core().members.domain("ada.test")!.status).toBe("held");
    expect(core().standings.holds()).toMatchObject([{ domain: "ada.test", did }]);
    says("authentication-broken", "Domain", "ada.test");
    await happens("domain_checked", { detail: { summary: "broken" } });
    await happens("domain_checked", { detail: { summary: "verified" } });
    expect(core().members.domain("ada.test")!.status).toBe("active");
    expect(core().standings.holds()).toEqual([]);
    expect(hooked().toSorted()).toEqual(["domain.held", "domain.released"]);
  });

  test("a domain that was never verified is not held, and is not released by a rule", async () => {
    core().members.setDomainStatus("ada.test", "held");
    says("authentication-broken", "Domain", "ada.test");
    says("authentication-restored", "Domain", "ada.test");
    await happens("domain_checked", { detail: { summary: "broken" } });
    expect(core().members.domain("ada.test")!.status).toBe("held");
    expect(hooked()).toEqual([]);
  });

  test("clean-sender: for as long as the rule says, in good standing alone", async () => {
    says("clean-sender", "Member", did, 7 * 86_400);
    await happens("domain_checked");
    const isClean = () => core().publicStandingOf(did).cleanSender;
    expect(isClean()).toBe(true);
    here.clock.advance(7 * DAY + HOUR);
    expect(isClean()).toBe(false);
  });

  test("nothing of a message told twice", async () => {
    says("bounce-probation", "Member", did);
    const told = await happens();
    says("bounce-probation", "Member", did);
    await here.publish(told);
    expect(standing()).toBe("probation");
    expect(core().standings.changesOf(did)).toHaveLength(1);
  });
});

describe("cases", () => {
  async function suspend() {
    says("breaker-confirmed", "Member", did);
    await happens();
    return core().cases.list("open", 10)[0]!;
  }

  test("a suspension by a rule is a case within 48 hours; lifted, the standing is what it was", async () => {
    const one = await suspend();
    expect(one).toMatchObject({ kind: "suspended", dueAt: one.openedAt + 2 * DAY });
    expect(
      core().cases.decide(one.id, { verdict: "lift", by: "rosa", reason: "A migration." }),
    ).toMatchObject({ id: one.id });
    expect(standing()).toBe("good");
    expect(core().standings.changesOf(did)[0]).toMatchObject({ by: "rosa", description: "A migration." });
    expect(core().notices.receipt(`case:${one.id}:decided`)).toMatchObject({ state: "waiting" });
    expect(core().cases.list("open", 10)).toEqual([]);
  });

  test("upheld: it stands, and is looked at again in a month", async () => {
    const one = await suspend();
    core().cases.decide(one.id, { verdict: "uphold", by: "rosa", reason: "It was spam." });
    here.clock.advance(20 * DAY);
    core().standings.review(did, { eligible: 0, p_over_5: 0 });
    expect(standing()).toBe("suspended");
    expect(core().cases.list("open", 10)).toMatchObject([
      { kind: "suspended", dueAt: one.openedAt + 30 * DAY },
    ]);
  });

  test.each([did, "ADA.test", "@ada.test", "post@ada.test"])(
    "nobody decides about itself: %s",
    async (by) => {
      const one = await suspend();
      expect(core().cases.decide(one.id, { verdict: "lift", by, reason: "Mine." })).toMatchObject({
        error: "own-case",
      });
      expect(standing()).toBe("suspended");
    },
  );

  test("decided once; and not with a word that is none", async () => {
    const one = await suspend();
    expect(core().cases.decide(one.id, { verdict: "standing", by: "rosa", reason: "?" })).toMatchObject({
      error: "no-such-verdict",
    });
    core().cases.decide(one.id, { verdict: "standing", to: "probation", by: "rosa", reason: "Better." });
    expect(standing()).toBe("probation");
    expect(core().cases.decide(one.id, { verdict: "uphold", by: "ada", reason: "No." })).toMatchObject({
      error: "decided-already",
    });
    expect(core().cases.decide(99, { verdict: "uphold", by: "ada", reason: "No." })).toEqual({
      error: "no-case",
      id: 99,
    });
  });

  test("a decision about the standing elsewhere ends the case", async () => {
    const one = await suspend();
    await core().decide(did, "warned", { by: "rosa", why: "Enough." });
    expect(core().cases.get(one.id)).toMatchObject({ decision: { by: "rosa", reason: "Enough." } });
  });

  test("an appeal is a case, one at a time, three at most; taken back, never to something worse than now", async () => {
    says("bounce-probation", "Member", did);
    await happens();
    const [change] = core().standings.changesOf(did);
    const appeal = () => core().cases.appeal(did, change!.id, "It was a test.", did);
    const first = appeal();
    expect(first).toMatchObject({ kind: "appeal", words: "It was a test." });
    expect(appeal()).toMatchObject({ error: "appealed-already" });
    expect(core().cases.appeal(other, change!.id, "Mine?", other)).toMatchObject({ error: "no-change" });
    if ("error" in first) throw new Error(first.error);
    core().cases.decide(first.id, { verdict: "lift", by: "rosa", reason: "Right." });
    expect(standing()).toBe("good");
    const second = appeal();
    if ("error" in second) throw new Error(second.error);
    core().cases.decide(second.id, { verdict: "uphold", by: "rosa", reason: "Done before." });
    expect(standing()).toBe("good");
    const third = appeal();
    if ("error" in third) throw new Error(third.error);
    core().cases.decide(third.id, { verdict: "uphold", by: "rosa", reason: "Done before." });
    expect(appeal()).toMatchObject({ error: "appealed-already" });
  });

  test("who decided a change does not uphold it against an appeal; taking it back is its own affair", async () => {
    const change = await core().decide(did, "warned", { by: "Rosa.example", why: "Because." });
    const one = core().cases.appeal(did, change.id, "Why?", did);
    if ("error" in one) throw new Error(one.error);
    expect(one.facts).toMatchObject({ decidedBy: "Rosa.example", enteredBy: did });
    const decide = (verdict: "uphold" | "lift", by: string) =>
      core().cases.decide(one.id, { verdict, by, reason: "So." });
    expect(decide("uphold", " @rosa.example")).toMatchObject({ error: "own-decision", change: change.id });
    expect(decide("lift", "rosa.example")).toMatchObject({ decision: { verdict: "lift" } });
    expect(standing()).toBe("good");
  });

  test("probation without a word of what was changed comes before a person; with it, the way back opens", async () => {
    says("bounce-probation", "Member", did);
    await happens();
    expect(core().cases.remedy(other, "Nothing")).toMatchObject({ error: "no-remedy-asked" });
    here.clock.advance(15 * DAY);
    here.review();
    expect(standing()).toBe("probation");
    const [one] = core().cases.list("open", 10);
    expect(one).toMatchObject({ kind: "remedy" });
    expect(core().cases.remedy(did, "A captcha.")).toEqual({ waits: false });
    expect(standing()).toBe("warned");
    expect(core().cases.get(one!.id)).toMatchObject({ decision: { by: "the member", reason: "A captcha." } });
  });

  test("a pause of the breaker that nobody answers for a day is a case; answered, it is none", async () => {
    await happens("member_paused", { detail: { cause: "content", pause_at: here.clock.now() } });
    here.clock.advance(23 * HOUR);
    here.review();
    expect(core().cases.list("open", 10)).toEqual([]);
    here.clock.advance(2 * HOUR);
    here.review();
    const [pause] = core().pauses.open(did);
    expect(core().cases.list("open", 10)).toMatchObject([
      { kind: "pause", pauseId: pause!.id, dueAt: pause!.at + 2 * DAY },
    ]);
    core().pauseDesk.answer(did, pause!.id, "this-was-me", { who: "member", by: did }, "mine");
    expect(core().cases.list("open", 10)).toEqual([]);
  });
});

describe("the digest", () => {
  test("goes out once a day, from seven o'clock, with what waits; overdue cases first in its subject", async () => {
    says("breaker-confirmed", "Member", did);
    await happens();
    const mails = () =>
      here.db.all<{ about: string; wish: string | null }>(
        "SELECT about, wish FROM member_mail WHERE about LIKE 'digest:%' ORDER BY at",
      );
    core().digest.send();
    expect(mails()).toEqual([]);
    here.clock.advance(7 * HOUR);
    core().digest.send();
    core().digest.send();
    expect(mails().map(({ about }) => about)).toEqual(["digest:2026-01-02"]);
    expect(JSON.parse(mails()[0]!.wish!)).toMatchObject({
      to: "committee@people.test",
      subject: "coop.test, 2026-01-02: 1 open case",
    });
    here.clock.advance(2 * DAY);
    core().digest.send();
    expect(JSON.parse(mails()[1]!.wish!)).toMatchObject({ subject: "coop.test, 2026-01-04: 1 overdue" });
  });

  test("is silent when there is nothing to say", async () => {
    here.clock.advance(3 * DAY);
    core().digest.send();
    expect(here.db.all("SELECT about FROM member_mail WHERE about LIKE 'digest:%'")).toEqual([]);
  });
});
