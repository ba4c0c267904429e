import { afterEach, beforeEach, expect, test } from "vitest";
import { readPasted } from "../allowlist/index.ts";
import type { ForwardWish, Forwarded } from "../feedback/index.ts";
import { createInbox, inboxMigration, type Inbox } from "../inbox/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { createAbuseDesk, type NewAbuse } from "./abuse-desk.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const MESSAGE = {
  id: "aaaabbbbccccdddd",
  did: "did:plc:ada",
  fromDomain: "ada.test",
  receivedAt: NOW - 60_000,
};
const HEADER = [
  "From: Ada <code@ada.test>",
  "Subject: Your account",
  "DKIM-Signature: v=1; a=ed25519-sha256; d=ada.test; s=one; h=from; bh=; b=",
  "X-Atmos-Message: genuine",
].join("\n");

let db: Database;
let inbox: Inbox;
let clock: MovableClock;
let forwards: (ForwardWish & { address: string })[];
let forwarded: Forwarded;
let desk: ReturnType<typeof createAbuseDesk>;

function open(more: { maxReports?: number; rolesTo?: string } = {}): void {
  inbox = createInbox({ db, ...(more.maxReports !== undefined && { maxReports: more.maxReports }) });
  desk = createAbuseDesk({
    inbox,
    reported: async ({ message }) => (message === "genuine" ? MESSAGE : undefined),
    poolDomain: "coop.test",
    rolesTo: more.rolesTo,
    async forward(wish) {
      forwards.push(wish);
      return forwarded;
    },
    clock,
    log: silentLog,
  });
}
beforeEach(() => {
  db = new Database(":memory:", [inboxMigration]);
  clock = new MovableClock(NOW);
  forwards = [];
  forwarded = "taken";
  open();
});
afterEach(() => db.close());

function report(more: Partial<NewAbuse> = {}): NewAbuse {
  const text = more.text ?? HEADER;
  const header = readPasted(text)!;
  return {
    reference: desk.reference(),
    kind: "phishing",
    words: "It asks for a password",
    answerTo: "",
    text,
    header,
    ...more,
  };
}

test("a report is in the inbox with the message that its mark names, and shows its outcome to whoever has the reference", async () => {
  const one = report({ answerTo: "rosa@away.test" });
  expect(one.reference).toMatch(/^[a-z2-7]{26}$/);
  expect(await desk.take(one, "192.0.2.1")).toBe("taken");
  expect(await desk.take(one, "192.0.2.1")).toBe("known");
  expect(inbox.counts()).toEqual({ inbox: 0, abuse: 1, machine: 0, spam: 0 });
  expect(desk.status(one.reference)).toEqual({
    kind: "phishing",
    domains: ["ada.test"],
    answer: null,
    at: NOW,
    state: "open",
    isTaken: false,
    isAside: false,
  });
  const entry = (await inbox.show(1))!;
  expect(entry).toMatchObject({
    kind: "abuse-report",
    replyTo: "rosa@away.test",
    subject: "Abuse reported (phishing): From ada.test, signed by ada.test",
    abuse: { message: { id: MESSAGE.id, did: MESSAGE.did } },
  });
  expect(entry.text).toContain("It asks for a password");
  expect(entry.text).toContain("DKIM-Signature: v=1;");
  inbox.act(1, { action: "assign", by: "rosa", note: "", to: "rosa", at: NOW });
  expect(desk.status(one.reference)).toMatchObject({ isTaken: true });
  inbox.answer(1, { outcome: "acted", words: "Thank you", by: "rosa", at: NOW + 5 });
  const shown = one.reference.toUpperCase().replace(/(.{5})/g, "$1-");
  expect(desk.status(shown)).toMatchObject({
    state: "done",
    answer: { outcome: "acted", words: "Thank you", at: NOW + 5 },
  });
  expect((await inbox.show(1))!.traces).toMatchObject([
    { what: "assigned to rosa" },
    { what: "answered: acted", note: "Thank you" },
  ]);
  expect(inbox.prune(NOW + 91 * DAY_MS)).toBe(1);
  expect(desk.status(one.reference)).toBeUndefined();
});

test("the reference itself is not kept: who reads the disk cannot look up a report as its reporter", async () => {
  const one = report();
  await desk.take(one, "192.0.2.1");
  const rows = db.all("SELECT * FROM inbox_abuse");
  expect(JSON.stringify(rows)).not.toContain(one.reference);
});

test("more may be asked for, and the report stays open", async () => {
  const one = report({ text: HEADER.replace("genuine", "made-up") });
  await desk.take(one, "192.0.2.1");
  expect(await inbox.show(1)).toMatchObject({
    replyTo: null,
    abuse: { message: null },
    why: expect.stringMatching(/proves nothing/) as string,
  });
  inbox.answer(1, { outcome: "need-more", words: "", by: "rosa", at: NOW });
  expect(desk.status(one.reference)).toMatchObject({ state: "open", answer: { outcome: "need-more" } });
  expect(inbox.answer(99, { outcome: "acted", words: "", by: "rosa", at: NOW })).toBeUndefined();
});

test("put aside it says so, and comes back to the reports", async () => {
  const one = report();
  await desk.take(one, "192.0.2.1");
  inbox.act(1, { action: "spam", by: "rosa", note: "", at: NOW });
  expect(desk.status(one.reference)).toMatchObject({ isAside: true });
  expect(inbox.act(1, { action: "not-spam", by: "rosa", note: "", at: NOW })).toMatchObject({
    folder: "abuse",
  });
});

test("one client makes five at once, all together fifty; what was refused uses nothing up", async () => {
  const tries = async (client: string, n: number) => {
    const outcomes: string[] = [];
    for (let i = 0; i < n; i++) outcomes.push(await desk.take(report({ words: `${client} ${i}` }), client));
    return outcomes.filter((one) => one === "taken").length;
  };
  expect(await tries("192.0.2.1", 8)).toBe(5);
  expect(await tries("192.0.2.2", 8)).toBe(5);
  let more = 10;
  for (let i = 3; i < 20; i++) more += await tries(`192.0.2.${i}`, 6);
  expect(more).toBe(50);
  clock.advance(3_600_000);
  expect(await tries("192.0.2.1", 1)).toBe(1);
});

test("reports that wait push out no mail of others, nor others them", async () => {
  open({ maxReports: 2 });
  for (const outcome of ["taken", "taken", "full"])
    expect(await desk.take(report(), "192.0.2.1")).toBe(outcome);
  const mail = {
    raw: Buffer.from("Subject: x\r\n\r\n"),
    kind: "message",
    to: "abuse@coop.test",
    mailFrom: "",
  } as const;
  const rest = { why: "", authentication: "none", forward: null, at: NOW, folder: "inbox" } as const;
  expect(await inbox.keep({ ...mail, ...rest })).toMatchObject({ outcome: "kept" });
  inbox.answer(1, { outcome: "no-breach", words: "", by: "rosa", at: NOW });
  expect(await desk.take(report(), "192.0.2.1")).toBe("taken");
});

test("it is sent on to where the pool's people read, and stays when that fails", async () => {
  open({ rolesTo: "rosa@people.test" });
  await desk.take(report({ answerTo: "rosa@away.test" }), "192.0.2.1");
  forwarded = "full";
  await desk.take(report(), "192.0.2.1");
  expect(forwards).toMatchObject([
    { address: "rosa@people.test", to: "abuse@coop.test", member: null, mailFrom: "" },
    { address: "rosa@people.test" },
  ]);
  expect(forwards[0]!.id).toBe(inbox.list({})[1]!.forward);
  const raw = Buffer.from(forwards[0]!.raw).toString();
  expect(raw).toMatch(/^Reply-To: rosa@away\.test\r$/m);
  expect(raw).toMatch(/^From: Report of abuse <abuse@coop\.test>\r$/m);
  expect(inbox.counts().abuse).toBe(2);
});

test.each([
  ["a subject in the words", "Subject: x\r\nBcc: everybody@away.test\r\n\r\n"],
  ["control characters", "\u0000\u001b[31m\u202e"],
  ["a line of 60,000", "x".repeat(60_000)],
])("%s cannot change the mail that is made of it", async (_, words) => {
  open({ rolesTo: "rosa@people.test" });
  expect(await desk.take(report({ words }), "192.0.2.1")).toBe("taken");
  const [head = ""] = Buffer.from(forwards[0]!.raw).toString().split("\r\n\r\n", 1);
  expect(head).not.toMatch(/^Bcc/im);
  expect((await inbox.show(1))!.text).not.toMatch(/[^\P{C}\n]/u);
});
