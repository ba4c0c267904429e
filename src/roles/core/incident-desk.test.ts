import { afterEach, beforeEach, expect, test } from "vitest";
import { openCore } from "./core.fixture.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const DAY = 86_400_000;
const [ANN, BEN, CAL, DEE, EVE] = ["a", "b", "c", "d", "e"].map((name) => `did:plc:${name.repeat(24)}`) as [
  string,
  string,
  string,
  string,
  string,
];

let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(START);
  for (const did of [ANN, BEN, CAL, DEE, EVE]) {
    core().admission.join(did, did);
    await core().members.addDomain(did, `${did.at(-1)}.test`);
  }
  here.clock.advance(DAY);
});
afterEach(() => here.close());

const core = () => here.core;
const standing = (did: string) => core().standings.state(did).standing;
const follow = () => here.run("incidents of providers undone");

let n = 0;
/** Mail of now, to somebody else each time, is refused: no such mailbox. */
async function refused(did: string, times: number, provider: "gmail" | "microsoft", first = false) {
  for (let i = 0; i < times; i++) {
    here.clock.advance(MINUTE);
    const id = `${++n}`;
    await here.publish(
      here.newEvent("recipient_bounced", {
        dedupe_key: id,
        member: { did, domain: `${did.at(-1)}.test` },
        recipient: { key: id, domain: `${provider}.com`, first_time: first },
        message: { id, size: 1, recipients: 1, stream: "transactional", received_at: here.clock.now() - 1 },
        smtp: { code: 550, enhanced: "5.1.1", text: "", provider, class: "bad-mailbox", fault: "recipient" },
      }),
    );
  }
}

/** Gmail refuses people whom it knows, at three members. */
async function incident(): Promise<void> {
  await refused(ANN, 7, "gmail");
  await refused(BEN, 2, "gmail");
  await refused(CAL, 2, "gmail");
}

test("what rested on the incident is taken back: with the days, the causes and the windows of before", async () => {
  here.clock.advance(40 * DAY);
  const goodDays = () => {
    const check = here.newEvent("domain_checked", {
      dedupe_key: `check${++n}`,
      member: { did: ANN, domain: "a.test" },
      detail: { result: "verified" },
    });
    return core().evidence.windows(check).standing!.good_days;
  };
  await incident();
  expect(standing(ANN)).toBe("warned");
  expect(goodDays()).toBe(0);
  await follow();
  expect(standing(ANN)).toBe("good");
  expect(goodDays()).toBeGreaterThan(39);
  expect(core().standings.state(ANN)).not.toHaveProperty("lastCauseAt");
  expect(core().incidents.since(START)).toMatchObject([expect.stringContaining("1 standings restored")]);
  await follow();
  expect(core().standings.changesOf(ANN)).toHaveLength(2);
});

test("bounces of one's own stand, whoever has one at that provider too", async () => {
  await refused(DEE, 1, "gmail");
  await refused(DEE, 7, "microsoft", true);
  expect(standing(DEE)).toBe("warned");
  await incident();
  await follow();
  expect([standing(ANN), standing(DEE)]).toEqual(["good", "warned"]);
  expect(core().standings.changesOf(DEE)).toHaveLength(1);
});

test("six of one's own are not seven: taken back, and the seventh counts with them", async () => {
  await refused(EVE, 6, "microsoft", true);
  await refused(EVE, 1, "gmail");
  expect(standing(EVE)).toBe("warned");
  await incident();
  await follow();
  expect(standing(EVE)).toBe("good");
  await refused(EVE, 1, "microsoft", true);
  expect(standing(EVE)).toBe("warned");
});

test("of two changes the one that rests on the incident goes, and the other keeps its date", async () => {
  await refused(EVE, 7, "microsoft", true);
  const { since } = core().standings.state(EVE);
  await refused(EVE, 10, "gmail");
  expect(standing(EVE)).toBe("probation");
  await incident();
  await follow();
  expect(core().standings.state(EVE)).toMatchObject({ standing: "warned", since });
  expect(core().standings.state(EVE)).not.toHaveProperty("probations");
});

test("an incident undone is undone also where the evidence is counted anew from the log", async () => {
  await refused(EVE, 6, "microsoft", true);
  await refused(EVE, 1, "gmail");
  await incident();
  await follow();
  const before = core().evidence.bounces(EVE, here.clock.now());
  core().evidence.rebuild(core().events);
  expect(core().evidence.bounces(EVE, here.clock.now())).toEqual(before);
  expect(before.hard).toBe(6);
});
