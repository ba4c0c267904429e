import { afterEach, beforeEach, expect, test } from "vitest";
import type { Finding } from "../../standing/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let here: Awaited<ReturnType<typeof openCore>>;
let credential: string;

beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1));
  await join();
  core().webhooks.set(did, "https://ada.test/hooks", "ada");
});
afterEach(() => here.close());

const core = () => here.core;
const standing = () => core().standings.state(did).standing;
const open = () => core().cases.list("open", 10);
const leave = () => core().admission.leave(did, { by: "ada", reason: "Moved away." });

async function join(): Promise<void> {
  core().admission.join(did, "Ada");
  await core().members.addDomain(did, "ada.test");
  core().members.setDomainStatus("ada.test", "active");
  const made = core().members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  credential = made.id;
}

/** A breaker stops the credential, as a relay node tells it. */
function trip(): void {
  const at = here.clock.now();
  const detail = { cause: "content", pause_at: at };
  const about = { member: { did, domain: "ada.test" }, credential, detail };
  core().pauseDesk.record(here.newEvent("member_paused", { dedupe_key: `p${at}`, ...about }));
}

function finds(cause: string, more: Partial<Finding> = {}): number {
  here.clock.advance(60_000);
  const at = here.clock.now();
  const found = {
    cause,
    rule: cause,
    description: cause,
    evidence: {},
    actionId: `${at}`,
    at,
    sentAt: at - 1,
  };
  const change = core().standings.consider(did, [{ ...found, ...more }])!;
  return change.id;
}

test("who leaves leaves nothing to decide: pauses, cases, holds and receivers end, each with the reason", async () => {
  trip();
  core().pauseDesk.pause(did, { credential: null, reason: "Wait", by: "rosa" });
  here.clock.advance(25 * HOUR);
  here.review();
  await core().decide(did, "suspended", { by: "rosa", why: "Spam" });
  core().standings.beginHold({ did, domain: "ada.test", since: 0, found: "", record: "" });
  expect(
    open()
      .map(({ kind }) => kind)
      .toSorted(),
  ).toEqual(["pause", "suspended"]);
  leave();
  expect(open()).toEqual([]);
  expect(core().pauses.allOpen(10)).toEqual([]);
  expect(core().pauses.of(did, 10)).toMatchObject(
    [1, 2].map(() => ({ end: { how: "left", by: "ada", reason: "Moved away." } })),
  );
  for (const one of core().cases.list("all", 10))
    expect(one.decision).toMatchObject({ by: "ada", reason: "Moved away." });
  expect(core().standings.holds()).toEqual([]);
  expect(core().webhooks.of(did)).toBeUndefined();
});

test("a pause that nobody answered before the member left is no yes to what was sent, when it comes back", async () => {
  trip();
  leave();
  here.clock.advance(HOUR);
  await join();
  for (const one of core().policyOf(did)!.credentials) expect(one).not.toHaveProperty("resumedUpTo");
  expect(core().policyOf(did)).not.toHaveProperty("paused");
});

test("while it is away nothing is asked and nothing eases; back again, the days count from then, and a person looks", () => {
  finds("breaker-confirmed");
  here.review();
  expect(open()).toHaveLength(1);
  leave();
  here.clock.advance(20 * DAY);
  here.review();
  expect([standing(), open()]).toEqual(["suspended", []]);
  core().admission.join(did, "Ada");
  here.review();
  expect(standing()).toBe("suspended");
  expect(open()).toMatchObject([{ kind: "suspended", dueAt: here.clock.now() + 2 * DAY }]);
  here.clock.advance(14 * DAY);
  here.review();
  expect(standing()).toBe("probation");
});

test("what was left open by who left before, or comes late, ends at the next look", () => {
  leave();
  trip();
  expect(core().pauses.allOpen(10)).toEqual([]);
  here.db.run(
    `INSERT INTO pause (did, credential, cause, at, last_at, facts, paused_by, reason)
     VALUES (?, ?, 'content', 0, 0, '{}', NULL, '')`,
    did,
    credential,
  );
  here.db.run(
    `INSERT INTO committee_case (did, kind, about, opened_at, due_at, facts, words)
     VALUES (?, 'remedy', 'remedy:old', 0, 0, '{}', '')`,
    did,
  );
  here.review();
  expect([core().pauses.allOpen(10), open()]).toEqual([[], []]);
  expect(core().cases.list("decided", 1)[0]!.decision).toMatchObject({ reason: "The membership has ended." });
});

test("who has left asks for nothing that nobody would look at", async () => {
  const change = finds("bounce-probation");
  leave();
  expect(core().cases.appeal(did, change, "Wrong.", did)).toMatchObject({ error: "has-left" });
  expect(core().cases.remedy(did, "A captcha.")).toMatchObject({ error: "has-left" });
});

test("the way back on the page is that of now: after an absence, and after a further cause", () => {
  finds("bounce-warning");
  const date = () => core().standings.changesOf(did)[0]!.wayBack.at;
  here.clock.advance(3 * DAY);
  core().standings.consider(did, [
    {
      cause: "bounce-warning",
      rule: "BounceWarning",
      description: "",
      evidence: {},
      actionId: "again",
      at: here.clock.now(),
      sentAt: here.clock.now(),
    },
  ]);
  expect(date()).toBe(here.clock.now() + 14 * DAY);
  leave();
  here.clock.advance(5 * DAY);
  core().admission.join(did, "Ada");
  expect(date()).toBe(here.clock.now() + 14 * DAY);
});

test("who is ejected leaves no pause, and can appeal", async () => {
  trip();
  const change = await core().decide(did, "ejected", { by: "rosa", why: "Spam" });
  expect(core().pauses.allOpen(10)).toEqual([]);
  core().cases.appeal(did, change.id, "It was not me.", did);
  here.review();
  expect(open()).toMatchObject([{ kind: "appeal" }]);
});

test("of 600 pauses that nobody answers, each is a case", () => {
  const began = here.clock.now();
  here.db.transaction(() => {
    for (let i = 0; i < 600; i++)
      here.db.run(
        `INSERT INTO pause (did, credential, cause, at, last_at, facts, paused_by, reason)
         VALUES (?, ?, 'content', ?, ?, '{}', ?, '')`,
        did,
        `c${i}`,
        began,
        began,
        i < 520 ? "rosa" : null,
      );
  });
  here.clock.advance(25 * HOUR);
  here.review();
  expect(core().cases.list("open", 500)).toHaveLength(80);
});
