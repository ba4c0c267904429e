import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { Database } from "../platform/database.ts";
import { fingerprint, type Fingerprint } from "./fingerprint.ts";
import { CONTACT_MS, createHabits, FORGIVEN_MS, SETTLE_MS, type Habits } from "./habits.ts";
import { openHabits } from "./open.ts";
import { habitsMigration } from "./store.ts";

const DAY = 86_400_000;
const now = 1_767_225_600_000;
const did = "did:plc:a";
const credential = "c1";

const print = (text: string): Fingerprint =>
  fingerprint({ fromName: "", replyTo: "", subject: "", text, html: null, attachments: [], cut: false });
const CONFIRM = print("please enter this code in the app to confirm the address of your account: 1234");
const SPAM = print("your parcel waits at the customs office and goes back unless you pay the fee today");

const open = () => createHabits(new Database(":memory:", [habitsMigration]));

/** Submits and delivers to each recipient; how many were first-time. */
function send(habits: Habits, recipients: string[], at: number, message = CONFIRM, who = credential): number {
  const submission = { did, credential: who, recipients, fingerprint: message, now: at };
  const look = habits.look(submission);
  habits.accepted(submission, look, false);
  for (const recipient of recipients)
    habits.delivered({ did, tier: "steady", recipient, template: look.template.id, at });
  return look.firstTime.filter(Boolean).length;
}

const people = (n: number, prefix = "r") => Array.from({ length: n }, (_, i) => `${prefix}${i}`);
const lookAt = (habits: Habits, at: number, message = CONFIRM, recipients = ["r0"]) =>
  habits.look({ did, credential, recipients, fingerprint: message, now: at });

test("a recipient is new until something was delivered to it, for each member", () => {
  const habits = open();
  expect(send(habits, people(3), now)).toBe(3);
  expect(send(habits, people(4), now + 1)).toBe(1);
  const other = { did: "did:plc:b", credential, recipients: people(4), fingerprint: CONFIRM, now };
  expect(habits.look(other).firstTime).toEqual([true, true, true, true]);
});

test("to an unseen template also who got its first mail within a day, of a known one, once", () => {
  const habits = open();
  send(habits, people(20, "old"), now - 2 * DAY);
  expect(send(habits, ["r0"], now)).toBe(1);
  expect(lookAt(habits, now, CONFIRM).firstTime).toEqual([false]);
  expect(lookAt(habits, now + SETTLE_MS - 1, SPAM).firstTime).toEqual([true]);
  expect(lookAt(habits, now + SETTLE_MS, SPAM).firstTime).toEqual([false]);
  expect(send(habits, ["r0"], now + 1, SPAM)).toBe(1);
  expect(send(habits, ["r0"], now + 2, SPAM)).toBe(0);
});

describe("a template is known", () => {
  test("after 20 deliveries to people of earlier days, a day later: a thief may have signed up with twenty mailboxes", () => {
    const habits = open();
    send(habits, people(20), now - 9 * DAY, SPAM);
    for (const person of people(20)) send(habits, [person], now);
    expect(lookAt(habits, now + SETTLE_MS - 1).template).toMatchObject({ known: false, deliveries: 0 });
    expect(lookAt(habits, now + SETTLE_MS).template).toMatchObject({ known: true, deliveries: 20 });
  });

  test("after 20 first contacts, a day later: a burst does not make itself known", () => {
    const habits = open();
    send(habits, people(30), now);
    expect(lookAt(habits, now + DAY - 1).template).toMatchObject({ known: false, deliveries: 0 });
    expect(lookAt(habits, now + DAY).template.known).toBe(true);
  });

  test("not by many deliveries to one person", () => {
    const habits = open();
    send(habits, ["r0"], now);
    for (let i = 0; i < 100; i++) send(habits, ["r0"], now + DAY + i);
    expect(lookAt(habits, now + 3 * DAY).template).toMatchObject({ known: false, deliveries: 1 });
  });

  test("by a yes", () => {
    const habits = open();
    send(habits, ["r0"], now);
    habits.approve(did, [lookAt(habits, now).template.id]);
    expect(lookAt(habits, now).template.known).toBe(true);
  });

  test("of the member alone, and as long as it is used", () => {
    const habits = open();
    send(habits, people(30), now);
    expect(lookAt(habits, now + DAY).template.known).toBe(true);
    const other = { did: "did:plc:b", credential, recipients: ["r0"], fingerprint: CONFIRM, now: now + DAY };
    expect(habits.look(other).template.known).toBe(false);
    for (let day = 2; day < 500; day += 100) send(habits, ["r0"], now + day * DAY);
    while (habits.prune(now + 500 * DAY));
    expect(lookAt(habits, now + 500 * DAY).template.known).toBe(true);
    while (habits.prune(now + 900 * DAY));
    expect(lookAt(habits, now + 900 * DAY)).toMatchObject({ template: { known: false }, firstTime: [true] });
  });

  test("whatever else is sent: known ones are the last to be forgotten", () => {
    const habits = open();
    send(habits, people(30), now);
    expect(lookAt(habits, now + DAY).template.known).toBe(true);
    const word = (i: number) => [...String(i)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    for (let i = 100; i < 300; i++)
      send(habits, ["r0"], now + DAY + i, print(`${word(i)} ${word(i * 7)} ${word(i * 13)}`));
    expect(lookAt(habits, now + 2 * DAY).template.known).toBe(true);
  });
});

describe("probes are forgiven", () => {
  test("when their template becomes known, once", () => {
    const habits = open();
    send(habits, people(30), now);
    expect(lookAt(habits, now + 1).forgiven).toBe(0);
    expect(lookAt(habits, now + DAY).forgiven).toBe(30);
    expect(lookAt(habits, now + DAY).forgiven).toBe(0);
  });

  test("after a week without a bounce", () => {
    const habits = open();
    send(habits, people(5), now, SPAM);
    expect(lookAt(habits, now + FORGIVEN_MS - 1).forgiven).toBe(0);
    habits.bounced({ did, template: SPAM.id, at: now + 3 * DAY });
    expect(lookAt(habits, now + FORGIVEN_MS).forgiven).toBe(0);
    expect(lookAt(habits, now + FORGIVEN_MS + 3 * DAY).forgiven).toBe(5);
  });

  test("of the credential that asks alone", () => {
    const habits = open();
    send(habits, people(5), now, SPAM, "c2");
    expect(lookAt(habits, now + FORGIVEN_MS).forgiven).toBe(0);
  });

  test("by a yes, which makes known what was held, and nothing of another credential", () => {
    const habits = open();
    send(habits, people(5), now);
    const held = { did, credential, recipients: people(60), fingerprint: SPAM, now };
    habits.accepted(held, habits.look(held), true);
    const third = print("a third text that another credential of this member has sent to one person");
    send(habits, ["x"], now, third, "c2");
    habits.resumed({ did, credential, upTo: now });
    expect(lookAt(habits, now).template.known).toBe(true);
    expect(lookAt(habits, now, SPAM).template.known).toBe(true);
    expect(lookAt(habits, now, third).template.known).toBe(false);
    expect(lookAt(habits, now + FORGIVEN_MS).forgiven).toBe(0);
  });
});

test("a yes to a pause covers what went on to be held of the same template, and nothing begun later", () => {
  const habits = open();
  const hold = (message: Fingerprint, at: number) => {
    const submission = { did, credential, recipients: ["x"], fingerprint: message, now: at };
    habits.accepted(submission, habits.look(submission), true);
  };
  hold(CONFIRM, now);
  hold(CONFIRM, now + 60_000);
  hold(SPAM, now + 60_000);
  habits.resumed({ did, credential, upTo: now });
  expect(lookAt(habits, now + DAY).template.known).toBe(true);
  expect(lookAt(habits, now + DAY, SPAM).template.known).toBe(false);
});

describe("first contacts", () => {
  let n = 0;
  const contact = (habits: Habits, hard: boolean, at: number, who = credential, recipient = `n${n++}`) =>
    habits.firstContact({ did, credential: who, recipient, template: null, hard, at })?.action;

  test.each<[string, string, number, boolean]>([
    ["five bounces at once", "bbbbb", 0, true],
    ["four", "bbbb", 0, false],
    ["five in twenty", "bddddbdddbdddbdddddb", 0, true],
    ["five in twenty-one", "bdddddbdddbdddbdddddb", 0, false],
    ["five, a day apart each", "bbbbb", DAY, false],
  ])("%s", (_, outcomes, apart, trips) => {
    const habits = open();
    const results = [...outcomes].map((letter, i) => contact(habits, letter === "b", now + i * apart));
    expect(results.at(-1)).toBe(trips ? "pause" : undefined);
    expect(results.slice(0, -1).filter(Boolean)).toEqual([]);
  });

  test("one mistyped address that is tried again and again counts once", () => {
    const habits = open();
    for (let i = 0; i < 20; i++) expect(contact(habits, true, now + i, credential, "typo")).toBeUndefined();
    for (let i = 0; i < 3; i++) expect(contact(habits, true, now + 20)).toBeUndefined();
    expect(contact(habits, true, now + 20)).toBe("pause");
  });

  test("nor do deliveries to one mailbox push bounces out", () => {
    const habits = open();
    for (let i = 0; i < 4; i++) contact(habits, true, now);
    for (let i = 0; i < 30; i++) contact(habits, false, now, credential, "own mailbox");
    expect(contact(habits, true, now)).toBe("pause");
  });

  test("each credential for itself, and anew after a yes", () => {
    const habits = open();
    for (let i = 0; i < 4; i++) contact(habits, true, now);
    expect(contact(habits, true, now, "c2")).toBeUndefined();
    habits.resumed({ did, credential, upTo: now });
    expect(contact(habits, true, now)).toBeUndefined();
  });

  describe("of known templates", () => {
    const knowing = () => {
      const habits = open();
      send(habits, people(20), now - 3 * DAY);
      expect(lookAt(habits, now).template.known).toBe(true);
      return { habits, template: lookAt(habits, now).template.id };
    };
    type Step = "bounce" | "delivery" | "unseen bounce";
    const play = ({ habits, template }: ReturnType<typeof knowing>, steps: Step[], at = now) =>
      steps.map(
        (step) =>
          habits.firstContact({
            did,
            credential,
            recipient: `n${n++}`,
            template: step === "unseen bounce" ? "unseen" : template,
            hard: step !== "delivery",
            at,
          })?.action ?? "-",
      );
    const times = <T>(count: number, of: T): T[] => Array.from({ length: count }, () => of);

    test("five that are not there slow the credential, and are told of once", () => {
      const known = knowing();
      expect(play(known, times(4, "bounce")).join("")).toBe("----");
      expect(lookAt(known.habits, now).slowed).toBe(false);
      expect(play(known, times(3, "bounce"))).toEqual(["slow", "-", "-"]);
      expect(lookAt(known.habits, now).slowed).toBe(true);
      expect(
        known.habits.look({ did, credential: "c2", recipients: [], fingerprint: CONFIRM, now }).slowed,
      ).toBe(false);
    });

    test("it ends six hours after they bounced, or with twenty others", () => {
      const first = knowing();
      play(first, times(5, "bounce"));
      expect(lookAt(first.habits, now + CONTACT_MS - 1).slowed).toBe(true);
      expect(lookAt(first.habits, now + CONTACT_MS).slowed).toBe(false);
      expect(lookAt(first.habits, now - CONTACT_MS).slowed, "the clock was ahead").toBe(false);
      const second = knowing();
      play(second, times(5, "bounce"));
      play(second, times(20, "delivery"));
      expect(lookAt(second.habits, now).slowed).toBe(false);
      expect(play(second, times(5, "bounce")).join("")).toBe("----slow");
    });

    test("they neither hide those of an unseen one, nor count for them", () => {
      const known = knowing();
      expect(play(known, times(30, "delivery")).join("")).toBe("-".repeat(30));
      expect(play(known, times(4, "unseen bounce")).join("")).toBe("----");
      expect(play(known, times(5, "bounce")).join("")).toBe("----slow");
      expect(play(known, times(1, "unseen bounce"))).toEqual(["pause"]);
    });

    test("what follows to whoever got a known one first counts as that", () => {
      const { habits, template } = knowing();
      const write = (to: string, what: string) =>
        habits.firstContact({ did, credential, recipient: to, template: what, hard: true, at: now })?.action;
      const signUp = (i: number) => [write(`dead${i}`, template), write(`dead${i}`, "deletion")];
      expect([0, 1, 2, 3, 4, 5].flatMap(signUp).filter(Boolean)).toEqual(["slow"]);
      expect([6, 7, 8, 9, 10].map((i) => write(`bought${i}`, "unseen"))).toContain("pause");
    });
  });
});

test("the share of first-time recipients is that of the days before, and needs fifty", () => {
  const habits = open();
  send(habits, people(40), now);
  expect(lookAt(habits, now + DAY).share).toBeUndefined();
  for (let i = 0; i < 3; i++) send(habits, people(40), now + DAY);
  expect(lookAt(habits, now + 2 * DAY).share).toBe(40 / 160);
  send(habits, people(1_000, "new"), now + 2 * DAY);
  expect(lookAt(habits, now + 2 * DAY).share).toBe(40 / 160);
  expect(lookAt(habits, now + 40 * DAY).share).toBeUndefined();
});

describe("the file", () => {
  const dir = mkdtempSync(join(tmpdir(), "habits-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test("keeps habits over a restart, is put aside when damaged, and forgets a member", () => {
    const path = join(dir, "habits.sqlite");
    const first = openHabits(path);
    expect(first.damaged).toBe(false);
    send(first.habits, people(30), now);
    first.habits.close();
    const second = openHabits(path).habits;
    expect(lookAt(second, now + DAY)).toMatchObject({
      firstTime: [false],
      template: { known: true },
      forgiven: 30,
    });
    second.forget(did);
    expect(lookAt(second, now + DAY)).toMatchObject({ firstTime: [true], template: { known: false } });
    second.close();
    writeFileSync(path, Buffer.alloc(8192, 7));
    const third = openHabits(path);
    expect(third.damaged).toBe(true);
    expect(lookAt(third.habits, now + DAY)).toMatchObject({ firstTime: [true], template: { known: false } });
    third.habits.close();
    expect(readdirSync(dir)).toContain("habits.sqlite.damaged");
  });

  test.each([
    ["in a question", 0],
    ["in a write that nobody waits for", 1],
  ])("damage that shows later, %s, makes it stricter and stops nobody", (name, cached) => {
    const path = join(dir, `later-${name.length}.sqlite`);
    const first = openHabits(path).habits;
    send(first, people(300), now);
    for (let i = 0; i < 64; i++) send(first, ["r0"], now + i, print(`text ${"abcdefgh".repeat(i + 1)}`));
    first.close();
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const told: unknown[] = [];
    const { habits, damaged } = openHabits(path, undefined, (error) => told.push(error));
    expect(damaged).toBe(false);
    if (cached) send(habits, ["r1"], now);
    const pages = readFileSync(path);
    pages.fill(0xa5, 4096 * 2);
    writeFileSync(path, pages);
    for (let i = 0; i < 50; i++) send(habits, people(20, `p${i}-`), now + DAY);
    habits.flush();
    expect(told).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(lookAt(habits, now + DAY, CONFIRM, ["r1", "p49-0"]).firstTime[0]).toBe(true);
    send(habits, ["after"], now + DAY);
    expect(lookAt(habits, now + DAY, CONFIRM, ["after"]).firstTime).toEqual([false]);
    habits.close();
    expect(readdirSync(dir)).toContain(`later-${name.length}.sqlite.damaged`);
  });

  test("a full disk loses habits, and stops nobody", () => {
    const lost: unknown[] = [];
    const db = new Database(":memory:", [habitsMigration]);
    const habits = createHabits(db, (error) => lost.push(error));
    send(habits, people(3), now);
    habits.flush();
    const { pages } = db.get<{ pages: number }>("SELECT page_count AS pages FROM pragma_page_count")!;
    db.exec(`PRAGMA max_page_count = ${pages}`);
    for (let i = 0; i < 50; i++) send(habits, people(20, `p${i}-`), now);
    expect(lost.length).toBeGreaterThan(0);
    expect(lookAt(habits, now)).toMatchObject({ firstTime: [false], template: { known: false } });
    db.exec("PRAGMA max_page_count = 1000000");
    send(habits, ["later"], now);
    habits.flush();
    expect(lookAt(habits, now, CONFIRM, ["later"]).firstTime).toEqual([false]);
  });
});
