import { afterEach, beforeEach, expect, test } from "vitest";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const HOUR = 3_600_000;
let here: Awaited<ReturnType<typeof openCore>>;
let credential: string;

beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1));
  core().admission.join(did, "Ada");
  await core().members.addDomain(did, "ada.test");
  core().members.setDomainStatus("ada.test", "active");
  const made = core().members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  credential = made.id;
});
afterEach(() => here.close());

const core = () => here.core;
const desk = () => here.core.pauseDesk;
const open = () => core().cases.list("open", 10);
const pauses = () => core().pauses.open(did);
const isPaused = () =>
  core()
    .policyOf(did)!
    .credentials.find(({ id }) => id === credential)?.paused === true;

/** A breaker stops the credential. */
function trip(): void {
  const at = here.clock.now();
  const detail = { cause: "content", pause_at: at };
  const about = { member: { did, domain: "ada.test" }, credential, detail };
  desk().record(here.newEvent("member_paused", { dedupe_key: `p${at}`, ...about }));
  here.clock.advance(60_000);
}

/** Three people complain, says a rule. */
function complain(): void {
  desk().stop(did, {
    credential,
    cause: "complaints",
    at: here.clock.now(),
    facts: { rule: "ComplaintBurst" },
  });
  here.clock.advance(60_000);
}

test("complaints while the breaker's pause is open: a pause and a case of their own, once", () => {
  trip();
  complain();
  complain();
  expect(pauses().map(({ cause }) => cause)).toEqual(["content", "complaints"]);
  expect(open()).toMatchObject([{ kind: "complaints", facts: { rule: "ComplaintBurst" } }]);
});

test("a rule that lifts the breaker's pause lets nothing go that people complained about", () => {
  trip();
  complain();
  desk().lift(did, credential, { rule: "BreakerLiftedKnownText", why: "Known." });
  expect(pauses().map(({ cause }) => cause)).toEqual(["complaints"]);
  expect([isPaused(), open().length]).toEqual([true, 1]);
});

test("a person takes the complaints for nothing: what the breaker stopped waits for its own answer", () => {
  trip();
  complain();
  core().cases.decide(open()[0]!.id, { verdict: "lift", by: "rosa", reason: "A newsletter." });
  expect(pauses().map(({ cause }) => cause)).toEqual(["content"]);
  expect(isPaused()).toBe(true);
});

test.each(["this-was-me", "this-was-not-me"] as const)(
  "the member answers once for its mail, %s: both are over, and so is the case",
  (answer) => {
    trip();
    complain();
    const result = desk().answer(did, pauses()[0]!.id, answer, { who: "member", by: "the member" }, "");
    expect(result).toMatchObject({ ended: [{ cause: "content" }, { cause: "complaints" }] });
    expect("error" in result ? 0 : result.replaced.length).toBe(1);
    expect([pauses(), open()]).toEqual([[], []]);
  },
);

test("the breaker's pause was answered after the complaints were made, and before they came: they count", () => {
  const made = here.clock.now();
  trip();
  desk().resume(did, { credential, reason: "Known", by: "rosa" });
  desk().stop(did, { credential, cause: "complaints", at: made - HOUR, facts: {} });
  expect(pauses().map(({ cause }) => cause)).toEqual(["complaints"]);
});
