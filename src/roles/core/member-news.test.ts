import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NOTICE_TOPIC, type NoticeWish } from "../../notice/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const HOUR = 3_600_000;
let here: Awaited<ReturnType<typeof openCore>>;
let id: string;

const form = { name: "Ada", domains: [], daily: null, purpose: "", pds: "", words: "" };

async function begin(contact: string) {
  here = await openCore(1_767_225_600_000);
  core().admission.apply(did, { ...form, contact }, "Ada");
  core().admission.approve(did, { tier: "new", note: "", by: "rosa" });
  await core().members.addDomain(did, "ada.test");
  core().members.setDomainStatus("ada.test", "active");
  const made = core().members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  id = made.id;
}
beforeEach(() => begin("contact@ada.test"));
afterEach(() => here.close());

const core = () => here.core;
const desk = () => here.core.pauseDesk;
const about = () => ({ member: { did, domain: "ada.test" }, credential: id });

function trip(detail: Record<string, unknown> = { cause: "content", reached: 50 }) {
  const at = here.clock.now();
  const event = here.newEvent("member_paused", {
    dedupe_key: `p${at}`,
    ...about(),
    detail: { ...detail, pause_at: at },
  });
  desk().record(event);
  here.clock.advance(1_000);
  return { event, pause: core().pauses.open(did).at(-1)! };
}

/** What relay nodes are told to send. */
async function wishes(): Promise<NoticeWish[]> {
  await core().told();
  return here.db
    .all<{ value: string }>("SELECT value FROM bus_message WHERE topic = ? ORDER BY seq", NOTICE_TOPIC)
    .map(({ value }) => JSON.parse(value) as NoticeWish);
}

test("a breaker's pause is told by mail once, with what was seen and what to do", async () => {
  const { event, pause } = trip();
  desk().record(event);
  const [wish, ...more] = await wishes();
  expect(more).toEqual([]);
  expect(wish).toMatchObject({ did, to: "contact@ada.test", subject: "Your mail is paused" });
  for (const part of [
    "2026-01-01 00:00 UTC",
    'the credential "pds"',
    "50 such people were written to before",
    "up to 120 recipients",
    "2026-01-06 00:00 UTC",
    `https://coop.test/members/${did}#pause-${pause.id}`,
    `atmos link ${did}`,
    `atmos member resume ${did} --credential ${id} --reason TEXT`,
    "postmaster@coop.test",
  ])
    expect(wish!.text.replace(/(?<!\n)\n(?![\n-])/g, " ")).toContain(part);
  expect(
    wish!.text.split("\n").filter((line) => line.length > 72 && line.includes(" ") && !line.startsWith(" ")),
  ).toEqual([]);
  expect(core().notices.receipt(`pause:${pause.id}:paused`)).toMatchObject({
    to: "c...@ada.test",
    state: "waiting",
  });
});

test.each([
  [
    "first contacts",
    { cause: "first-contact", hard: 5, among: 12 },
    "It was 5 of the last 12, within six hours.",
  ],
  ["a cause that is not known here", { cause: "moonlight" }, "unlike what you usually send (moonlight)"],
])("what was seen: %s", async (_, detail, words) => {
  trip(detail);
  expect((await wishes())[0]!.text.replaceAll("\n", " ")).toContain(words);
});

test("a person's pause gives its reason, cleaned, and no buttons", async () => {
  const reason = "Phishing\r\nBcc: x@y.test \u202E\u0007of others";
  desk().pause(did, { credential: null, reason, by: "rosa" });
  const [wish] = await wishes();
  expect(wish!.text).toContain("rosa stopped all your mail");
  expect(wish!.text).toContain("Phishing Bcc: x@y.test of others");
  expect(wish!.text).not.toContain("This was me");
});

describe("the end", () => {
  test("by the committee is told", async () => {
    trip();
    desk().resume(did, { credential: null, reason: "Known to us", by: "rosa" });
    const all = await wishes();
    expect(all.map(({ subject }) => subject)).toEqual(["Your mail is paused", "Your mail goes on"]);
    expect(all[1]!.text).toContain("Known to us");
  });

  test("by the member itself is not", async () => {
    const { pause } = trip();
    desk().answer(did, pause.id, "this-was-me", { who: "member", by: "the member" }, "");
    expect(await wishes()).toHaveLength(1);
  });

  test("by the member, with a person's pause that goes over to the new credential: no third mail", async () => {
    const { pause } = trip();
    desk().pause(did, { credential: id, reason: "Phishing", by: "rosa" });
    desk().answer(did, pause.id, "this-was-me", { who: "member", by: "the member" }, "");
    expect(await wishes()).toHaveLength(2);
  });
});

test("ten pauses in a day: four are told, and four ends; the fourth says so, the page has the rest", async () => {
  const pauses = Array.from({ length: 10 }, () => {
    const { pause } = trip();
    desk().answer(did, pause.id, "resumed", { who: "committee", by: "rosa" }, "");
    here.clock.advance(2 * HOUR);
    return pause.id;
  });
  const all = await wishes();
  const [begun, ended] = ["Your mail is paused", "Your mail goes on"].map((subject) =>
    all.filter((one) => one.subject === subject).map(({ text }) => text.includes("the last of these mails")),
  );
  expect([begun, ended]).toEqual([
    [false, false, false, true],
    [false, false, false, true],
  ]);
  expect(core().notices.receipt(`pause:${pauses[9]}:paused`)).toMatchObject({ state: "too-many" });
});

test.each([["@ada.bsky.social"], ["https://ada.test/contact"]])(
  "a contact that is no address, %s",
  async (contact) => {
    await here.close();
    await begin(contact);
    const { pause } = trip();
    expect(await wishes()).toEqual([]);
    expect(core().notices.receipt(`pause:${pause.id}:paused`)).toMatchObject({
      to: null,
      state: "no-contact",
    });
  },
);

test("who has left is not written to", async () => {
  core().admission.leave(did, { reason: "", by: "Ada" });
  desk().pause(did, { credential: null, reason: "Late", by: "rosa" });
  expect(await wishes()).toEqual([]);
});

test("what a relay node says came of it is on the page, once and for all", async () => {
  const { pause } = trip();
  const [wish] = await wishes();
  const say = (outcome: string, reply: string) =>
    core().notices.concluded(wish!.id, outcome as "delivered", here.clock.now(), reply);
  say("failed", "ada.test: 550 5.1.1 no such user");
  say("delivered", "");
  expect(core().notices.receipt(`pause:${pause.id}:paused`)).toMatchObject({
    state: "failed",
    reply: "ada.test: 550 5.1.1 no such user",
  });
});

test("a crash between the pause and the bus: the same wish is told at the next start", async () => {
  trip();
  const [first] = await wishes();
  here.db.run("UPDATE member_mail SET wish = ?", JSON.stringify(first));
  await core().decide(did, "warned", { by: "rosa", why: "Late" });
  const all = await wishes();
  expect(all).toHaveLength(3);
  expect(all[1]).toEqual(first);
  expect(all[2]).toMatchObject({ did, subject: "Your standing is now warned" });
});

test("slowed first contacts: a note and a mail, however often it is told", async () => {
  const detail = { hard: 5, among: 9, hourly: 20 };
  const event = here.newEvent("first_contacts_slowed", { dedupe_key: `slowed:${id}:1`, ...about(), detail });
  await here.publish(event);
  await here.publish(event);
  const all = await wishes();
  expect(all).toHaveLength(1);
  expect(all[0]!.text.replaceAll("\n", " ")).toContain("5 of the last 9 people");
  expect(all[0]!.text).toContain(`atmos member revoke ${did} ${id}`);
  expect(
    core()
      .standings.notes.list(did)
      .filter(({ title }) => title.startsWith("New addresses")),
  ).toHaveLength(1);
  expect(core().pauses.open(did)).toEqual([]);
});

test("whoever types dead addresses for weeks does not use up the mail about a pause", async () => {
  for (let i = 0; i < 40; i++) {
    here.clock.advance(6 * HOUR);
    const detail = { hard: 5, among: 9, hourly: 20 };
    await here.publish(
      here.newEvent("first_contacts_slowed", { dedupe_key: `slowed:${id}:${i}`, ...about(), detail }),
    );
  }
  expect(await wishes()).toHaveLength(5);
  const { pause } = trip();
  expect(core().notices.receipt(`pause:${pause.id}:paused`)).toMatchObject({ state: "waiting" });
});

test("a change of standing is told by mail with what decided, the remedy, the date and how to appeal; once", async () => {
  await core().decide(did, "probation", { by: "rosa", why: "Half of it bounced.", remedy: "Ask first." });
  const [wish, ...more] = await wishes();
  expect(more).toEqual([]);
  const text = wish!.text.replace(/(?<!\n)\n(?![\n-])/g, " ");
  for (const part of [
    "changed from good to probation. rosa of the committee decided it.",
    "a quarter of your limits",
    "Half of it bounced.",
    "Ask first.",
    "The date is 2026-01-15 00:00 UTC",
    `https://coop.test/members/${did}#changes`,
    "in the form at change",
  ])
    expect(text).toContain(part);
  expect(text.match(/committee decided/g)).toHaveLength(1);
});

test("a person's suspension names the day on which it is looked at again; upheld, the next one", async () => {
  await core().decide(did, "suspended", { by: "rosa", why: "Spam." });
  const [one] = core().cases.list("open", 10);
  expect(one).toMatchObject({ kind: "suspended", dueAt: here.clock.now() + 30 * 24 * HOUR });
  expect((await wishes())[0]!.text.replaceAll("\n", " ")).toContain("The date is 2026-01-31 00:00 UTC");
  here.clock.advance(30 * 24 * HOUR);
  core().cases.decide(one!.id, { verdict: "uphold", by: "ada", reason: "Nothing has changed." });
  const said = (await wishes()).at(-1)!.text.replaceAll("\n", " ");
  expect(said).toContain("The committee looks at it again by 2026-03-02 00:00 UTC.");
  expect(core().standings.changesOf(did)[0]!.wayBack.at).toBe(here.clock.now() + 30 * 24 * HOUR);
  expect(core().cases.list("open", 10)).toMatchObject([{ dueAt: here.clock.now() + 30 * 24 * HOUR }]);
});
