import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import { createInbox, inboxMigration, type Inbox, type InboxOptions, type NewEntry } from "./index.ts";

const DAY_MS = 86_400_000;
let db: Database;
let inbox: Inbox;
const open = (options: Partial<InboxOptions> = {}) => void (inbox = createInbox({ db, ...options }));
beforeEach(() => {
  db = new Database(":memory:", [inboxMigration]);
  open();
});
afterEach(() => db.close());

const mail = (text: string, ...header: string[]) =>
  Buffer.from(["From: Rosa <rosa@away.test>", "Subject: Hello", ...header, "", text, ""].join("\r\n"));
const entry = (raw: Uint8Array, more: Partial<NewEntry> = {}): NewEntry => ({
  raw,
  folder: "inbox",
  kind: "message",
  to: "postmaster@pool.test",
  mailFrom: "rosa@away.test",
  why: "mail to postmaster",
  authentication: "spf=pass",
  forward: null,
  at: 1_000,
  ...more,
});

describe("keeping", () => {
  test("the same mail to the same address is kept once", async () => {
    expect(await inbox.keep(entry(mail("x")))).toEqual({ outcome: "kept", id: 1 });
    expect(await inbox.keep(entry(mail("x")))).toEqual({ outcome: "known", id: 1 });
    expect(await inbox.keep(entry(mail("x"), { to: "abuse@pool.test" }))).toEqual({ outcome: "kept", id: 2 });
  });

  test("an envelope sender cannot turn the line, end it, or colour a terminal", async () => {
    await inbox.keep(entry(mail("x"), { mailFrom: "a\u202e\u001b[31m\u009b\r\nb@away.test" }));
    expect(inbox.list({})[0]!.mailFrom).toBe("a[31m b@away.test");
  });

  test("two copies at the same moment are one", async () => {
    const both = await Promise.all([inbox.keep(entry(mail("x"))), inbox.keep(entry(mail("x")))]);
    expect(both.map(({ outcome }) => outcome).toSorted()).toEqual(["kept", "known"]);
    expect(inbox.list({})).toHaveLength(1);
  });

  test("with too many that are open, mail is put off until one is done", async () => {
    open({ maxOpen: 2 });
    for (const text of ["a", "b"]) await inbox.keep(entry(mail(text)));
    expect(await inbox.keep(entry(mail("c")))).toEqual({ outcome: "full" });
    inbox.act(1, { action: "done", by: "rosa", note: "", at: 5 });
    expect(await inbox.keep(entry(mail("c")))).toMatchObject({ outcome: "kept" });
  });

  test("what is aside pushes out the oldest that is aside, and nothing else", async () => {
    open({ maxAside: 2 });
    await inbox.keep(entry(mail("human")));
    for (const text of ["a", "b", "c"]) await inbox.keep(entry(mail(text), { folder: "spam" }));
    expect(inbox.list({}).map(({ id }) => id)).toEqual([4, 3, 1]);
  });

  test("octets are bounded: spam goes first, then what is done, and what is open never", async () => {
    const size = mail("a").length;
    open({ maxBytes: 3 * size });
    await inbox.keep(entry(mail("a")));
    await inbox.keep(entry(mail("b")));
    await inbox.keep(entry(mail("c"), { folder: "spam" }));
    inbox.act(1, { action: "done", by: "rosa", note: "", at: 5 });
    await inbox.keep(entry(mail("d")));
    expect(inbox.list({}).map(({ id }) => id)).toEqual([4, 2, 1]);
    await inbox.keep(entry(mail("e")));
    expect(inbox.list({}).map(({ id }) => id)).toEqual([5, 4, 2]);
    expect(await inbox.keep(entry(mail("f")))).toEqual({ outcome: "full" });
    open({ maxBytes: 3 * size });
    expect(await inbox.keep(entry(mail("f")))).toEqual({ outcome: "full" });
  });
});

describe("reading", () => {
  const shown = async (raw: Uint8Array) => {
    const kept = await inbox.keep(entry(raw));
    return inbox.show(kept.outcome === "full" ? 0 : kept.id);
  };

  test("HTML is read as text, and nothing of it runs", async () => {
    const html = "<style>p{}</style><script>alert(1)</script><p>Please <b>stop</b></p><p>this &lt;b&gt;</p>";
    const raw = mail(html, "Content-Type: text/html; charset=utf-8");
    const { text } = (await shown(raw))!;
    expect(text).toMatch(/Please\s+stop\s+this <b>$/);
    expect(text).not.toMatch(/alert|p\{/);
  });

  test("what turns the line or rings the bell is left out", async () => {
    const detail = await shown(
      Buffer.from("From: \u202Eevil@x.test\r\nSubject: a\u0007b\r\n\r\n\u001b[31mred\u2066\r\n"),
    );
    expect(detail).toMatchObject({ subject: "ab" });
    expect(JSON.stringify(detail)).not.toMatch(/\u202e|\\u001b|\u2066/);
  });

  test.each([
    ["Reply-To: one@away.test", "one@away.test"],
    ["X: y", "rosa@away.test"],
    ['Reply-To: "a b"@away.test', null],
  ])("an answer goes by %s to %s", async (header, to) =>
    expect((await shown(mail("x", header)))!.replyTo).toBe(to),
  );

  test.each([
    ["nothing", ""],
    ["no header", "\r\n\r\n"],
    ["octets", "\u0000\u00ff\u00fe".repeat(1_000)],
    [
      "a thousand levels",
      `Content-Type: multipart/mixed; boundary=a\r\n\r\n${"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n".repeat(1_000)}`,
    ],
  ])("%s is no fault", async (_, text) => expect(await shown(Buffer.from(text, "latin1"))).toBeDefined());
});

test("what people do with it is kept with who and when", async () => {
  await inbox.keep(entry(mail("x")));
  inbox.act(1, { action: "assign", by: "rosa", note: "", to: "paul", at: 10 });
  inbox.act(1, { action: "done", by: "paul", note: "answered", at: 20 });
  expect(await inbox.show(1)).toMatchObject({
    state: "done",
    assigned: "paul",
    traces: [
      { at: 10, by: "rosa", what: "assigned to paul" },
      { at: 20, by: "paul", what: "done", note: "answered" },
    ],
  });
  expect(inbox.act(99, { action: "done", by: "paul", note: "", at: 1 })).toBeUndefined();
});

test("what is done is forgotten after 90 days, what is aside after 30, what is open never", async () => {
  for (const text of ["a", "b"]) await inbox.keep(entry(mail(text)));
  await inbox.keep(entry(mail("c"), { folder: "machine" }));
  inbox.act(1, { action: "done", by: "rosa", note: "", at: 1_000 });
  expect(inbox.prune(29 * DAY_MS)).toBe(0);
  expect(inbox.prune(31 * DAY_MS)).toBe(1);
  expect(inbox.prune(91 * DAY_MS)).toBe(1);
  expect(inbox.prune(9_999 * DAY_MS)).toBe(0);
  expect(inbox.list({}).map(({ id }) => id)).toEqual([2]);
});
