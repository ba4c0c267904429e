import { afterEach, beforeEach, expect, test } from "vitest";
import type { EventData } from "../../event/index.ts";
import { openCore } from "./core.fixture.ts";

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

let here: Awaited<ReturnType<typeof openCore>>;
let n = 0;
beforeEach(async () => {
  here = await openCore(START);
  core().admission.join(did, "Ada");
  await core().members.addDomain(did, "ada.test");
  here.clock.advance(DAY);
  // Its usual people, of whom the pool has long known.
  for (let i = 0; i < 40; i++) await mailed(`old${i}`, { first: false, known: true });
  here.clock.advance(10 * DAY);
});
afterEach(() => here.close());

const core = () => here.core;
const standing = () => core().standings.state(did).standing;
const open = () => core().cases.list("open", 10);

/** A mail to somebody is delivered; what is needed to complain about it. */
async function mailed(who: string, { first = true, known = true } = {}) {
  here.clock.advance(60_000);
  const at = here.clock.now();
  const about = {
    member: { did, domain: "ada.test" },
    recipient: { key: who, domain: "yahoo.com", first_time: first },
    message: {
      id: `m${++n}`,
      size: 1,
      recipients: 1,
      stream: "transactional" as const,
      received_at: at,
      template: known ? "welcome" : `new${n}`,
      template_known: known,
    },
  };
  const { recipient, ...handedIn } = about;
  await happens("message_accepted", { ...handedIn, recipients: [recipient] });
  await happens("recipient_delivered", about);
  return about;
}

async function happens(action: Parameters<typeof here.newEvent>[0], data: Omit<EventData, "dedupe_key">) {
  here.clock.advance(1_000);
  const smtp = { code: 250, enhanced: "", text: "", provider: "yahoo", class: "ok", fault: "none" } as const;
  await here.publish(here.newEvent(action, { dedupe_key: `k${++n}`, smtp, ...data }));
}

/** Somebody signs up, is written to, and says hours later that it is spam. */
async function signsUpAndComplains(who: string, over: { first?: boolean; known?: boolean } = {}) {
  const about = await mailed(who, over);
  here.clock.advance(4 * HOUR);
  await happens("complaint_received", about);
}

const three = async (name: string, over: { first?: boolean; known?: boolean } = {}) => {
  for (let i = 0; i < 3; i++) {
    await signsUpAndComplains(`${name}${i}`, over);
    here.clock.advance(9 * HOUR);
  }
};

test("six new accounts that complain: probation with a remedy of its own, and a case; no suspension", async () => {
  await three("a");
  expect(standing()).toBe("probation");
  const [change] = core().standings.changesOf(did);
  expect(change!.remedy).toContain("captcha");
  expect(change!.evidence).toMatchObject({ window: { newcomers: 3, by_strangers: true } });
  expect(open()).toEqual([]);
  await three("b");
  expect(standing()).toBe("probation");
  const [one, ...more] = open();
  expect(more).toEqual([]);
  expect(one).toMatchObject({ kind: "newcomers", changeId: change!.id, dueAt: one!.openedAt + 2 * DAY });
  core().cases.decide(one!.id, { verdict: "lift", by: "rosa", reason: "One person with six accounts." });
  expect([standing(), open()]).toEqual(["good", []]);
});

test("a person can suspend over it", async () => {
  await three("a");
  await three("b");
  core().cases.decide(open()[0]!.id, { verdict: "standing", to: "suspended", by: "rosa", reason: "A list." });
  expect(standing()).toBe("suspended");
  expect(open()).toMatchObject([{ kind: "suspended" }]);
});

test.each([
  ["whom it has written to for long", { first: false }],
  ["of mail of a kind that nobody knew", { known: false }],
])("complaints of people %s suspend the second time", async (_, over) => {
  await three("a", over);
  expect(standing()).toBe("probation");
  await three("b", over);
  expect(standing()).toBe("suspended");
});

test("who signed up eight days ago is no newcomer", async () => {
  const people = [await mailed("x1"), await mailed("x2"), await mailed("x3")];
  here.clock.advance(8 * DAY);
  for (const about of people) await happens("complaint_received", about);
  expect(core().standings.changesOf(did)[0]!.evidence).toMatchObject({
    window: { newcomers: 0, by_strangers: false },
  });
});
