import { afterEach, beforeEach, expect, test } from "vitest";
import { whyHeld, type MemberPolicy } from "../../policy/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const member = { who: "member", by: "the member" } as const;
const committee = { credential: null, reason: "Asked", by: "rosa" };
let here: Awaited<ReturnType<typeof openCore>>;
let id: string;

beforeEach(async () => {
  here = await openCore(1_000_000);
  core().admission.join(did, "Ada");
  await core().members.addDomain(did, "ada.test");
  core().members.setDomainStatus("ada.test", "active");
  const made = core().members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  id = made.id;
});
afterEach(() => here.close());

const core = () => here.core;
const desk = () => here.core.pauseDesk;
const policy = (): MemberPolicy => ({ ...core().policyOf(did)!, version: 1 });
/** Why a message waits that the credential has handed in. */
const waits = (credential: string) => whyHeld(policy(), "ada.test", credential)?.reason;

/** A breaker stops the credential. */
function trip(): number {
  const at = here.clock.now();
  const detail = { cause: "content", pause_at: at };
  const about = { member: { did, domain: "ada.test" }, credential: id, detail };
  desk().record(here.newEvent("member_paused", { dedupe_key: `p${at}`, ...about }));
  here.clock.advance(1_000);
  return core()
    .pauses.open(did)
    .find((pause) => pause.by === null)!.id;
}

test("a member's answer does not undo what a person stopped: the new credential is stopped too", () => {
  const pause = trip();
  desk().pause(did, { ...committee, credential: id, reason: "Phishing" });
  const result = desk().answer(did, pause, "this-was-me", member, "It was the member.");
  if ("error" in result) throw new Error(result.error);
  const [made] = result.replaced;
  expect([waits(id), waits(made!.id)]).toEqual(["paused", "paused"]);
  expect(core().pauses.open(did)).toMatchObject([
    { credential: id, by: "rosa" },
    { credential: made!.id, by: "rosa", reason: "Phishing" },
  ]);
  desk().resume(did, committee);
  expect([waits(id), waits(made!.id)]).toEqual([undefined, undefined]);
});

test.each<[string, (pause: number) => unknown]>([
  ["this was me", (pause) => desk().answer(did, pause, "this-was-me", member, "")],
  ["the committee ends it", () => desk().resume(did, committee)],
])("revoked before the answer, %s: what waited leaves all the same", (_, end) => {
  const pause = trip();
  core().members.revokeCredential(did, id, "the member");
  expect(waits(id)).toBe("paused");
  here.clock.advance(1_000);
  expect(end(pause)).toMatchObject({ replaced: [] });
  expect(waits(id)).toBeUndefined();
});

test("revoked before the answer, this was not me: nothing leaves, whatever is answered later", () => {
  const pause = trip();
  core().members.revokeCredential(did, id, "the member");
  desk().answer(did, pause, "this-was-not-me", member, "");
  expect(waits(id)).toBe("revoked");
  expect(desk().answer(did, pause, "this-was-me", member, "")).toMatchObject({ error: "no-pause" });
  expect(waits(id)).toBe("revoked");
});

test("answered twice: one new credential, one event", () => {
  const pause = trip();
  const answers = [1, 2].map(() => desk().answer(did, pause, "this-was-me", member, ""));
  expect(answers).toMatchObject([{ replaced: [{ name: "pds" }] }, { error: "no-pause" }]);
  expect(core().members.credentialsOf(did)).toHaveLength(2);
  const resumed = core()
    .events.recentOf(did, 50)
    .filter(({ action }) => action === "member_resumed");
  expect(resumed).toHaveLength(1);
});

test("a pause is there with its note, or told again", () => {
  const about = { member: { did, domain: "ada.test" }, credential: id, detail: { cause: "content" } };
  const told = here.newEvent("member_paused", { dedupe_key: "p", ...about });
  here.db.exec("ALTER TABLE note RENAME TO away");
  expect(() => desk().record(told)).toThrow();
  expect(core().pauses.open(did)).toEqual([]);
  here.db.exec("ALTER TABLE away RENAME TO note");
  desk().record(told);
  expect(core().pauses.open(did)).toHaveLength(1);
  expect(core().standings.notes.list(did)[0]).toMatchObject({
    title: expect.stringMatching(/^Sending is paused/),
  });
});
