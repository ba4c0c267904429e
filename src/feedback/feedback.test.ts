import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventMaker, type Envelope } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { silentLog } from "../platform/log.ts";
import { makeReturnPath, makeToken } from "../protocol/verp/index.ts";
import { builtInShaping } from "../shaping/index.ts";
import { createSpool, type Spool } from "../spool/index.ts";
import { createInbox, inboxMigration, type Inbox } from "../inbox/index.ts";
import { Database } from "../platform/database.ts";
import type { Authentication } from "../protocol/authentication/index.ts";
import { srsAddress } from "../protocol/srs/index.ts";
import {
  createFeedback,
  type Feedback,
  type FeedbackOptions,
  type Forwarded,
  type ForwardWish,
  type Incoming,
} from "./index.ts";
import { interpret } from "./interpret.ts";

const shaping = builtInShaping();
const key = new Uint8Array(32).fill(3);
const recipientId = "aaaabbbbccccdddd";
const returnPath = makeReturnPath(makeToken(recipientId, key), "bounce.alder.test");
const forged = makeReturnPath(makeToken(recipientId, new Uint8Array(32)), "bounce.alder.test");
let dir: string;
let spool: Spool;
let feedback: Feedback;
let inbox: Inbox;
let db: Database;
let forwards: (ForwardWish & { address: string })[];
let alarms: number;
/** What the forwarder answers. */
let forwarded: Forwarded;
let options: FeedbackOptions;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-feedback-"));
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  const clock = new MovableClock(Date.UTC(2026, 0, 1));
  let n = 0;
  db = new Database(":memory:", [inboxMigration]);
  inbox = createInbox({ db });
  forwards = [];
  alarms = 0;
  forwarded = "taken";
  options = {
    spool,
    tokenKey: key,
    recipientKey: (address) => `key-of-${address}`,
    poolDomains: ["coop.test", "bounce.coop.test"],
    isBounceName: (domain) => domain === "bounce.alder.test",
    feedbackId: { region: "eu", sender: "atmosmail" },
    memberByHandle: (handle) =>
      handle === "m7" ? { did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", domain: "alder.test" } : undefined,
    newEvent: eventMaker(
      () => clock.now(),
      () => String(++n),
    ),
    inbox,
    repliesTo: () => "ops@alder.test",
    rolesTo: "rosa@people.test",
    async forward(wish) {
      forwards.push(wish);
      return forwarded;
    },
    alarm: () => void alarms++,
    shaping,
    clock,
    log: silentLog,
  };
  feedback = createFeedback(options);
  await spool.accept({
    message: {
      id: "mmmmmmmmmmmmmmmm",
      did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
      credential: "c1",
      kind: "mail",
      sender: "noreply@alder.test",
      fromDomain: "alder.test",
      stream: "transactional",
      priority: 0,
      template: null,
      receivedAt: 0,
      size: 10,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head: Buffer.from("a: b\r\n\r\n"),
      body: { bytes: Buffer.from("x") },
    },
    recipients: [
      {
        id: recipientId,
        address: "late@bigmail.test",
        domain: "bigmail.test",
        state: "queued",
        nextAt: 0,
        firstTime: false,
        notify: null,
        orcpt: null,
      },
    ],
    events: [],
  });
});
afterEach(async () => {
  db.close();
  await spool.close();
  rmSync(dir, { recursive: true });
});

const deliver = () => spool.record([{ recipientId, state: "delivered", nextAt: 0, events: [] }], 1);
const events = async () =>
  (await spool.outbox.read(100)).map((row) => (JSON.parse(row.envelope) as Envelope).data);

const report = (type: string, partType: string, ...fields: string[]) =>
  Buffer.from(
    [
      `Content-Type: multipart/report; report-type=${type}; boundary="b"`,
      "MIME-Version: 1.0",
      "",
      "--b",
      `Content-Type: ${partType}`,
      "",
      ...fields,
      "--b--",
      "",
    ].join("\r\n"),
  );
const dsn = (action: string, status: string, diagnostic: string) =>
  report(
    "delivery-status",
    "message/delivery-status",
    "Reporting-MTA: dns; mx.bigmail.test",
    "",
    "Final-Recipient: rfc822; late@bigmail.test",
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${diagnostic}`,
    "",
  );
const arf = (kind: string, mailFrom: string) =>
  report(
    "feedback-report",
    "message/feedback-report",
    `Feedback-Type: ${kind}`,
    `Original-Mail-From: <${mailFrom}>`,
    "",
  );

const by = (domain: string, result: "pass" | "fail" | "none" | "temperror"): Authentication => ({
  spf: { result: result === "fail" ? "fail" : result, domain },
  dkim: [],
  dmarc: { result, domain, policy: "none" },
  arc: { result: "none" },
  results: `spf=${result}`,
});

const receive = (to: string, raw: Uint8Array, more: Partial<Incoming> = {}) =>
  feedback.receive({
    to,
    raw,
    mailFrom: "",
    from: "mx.bigmail.test",
    ip: "192.0.2.1",
    authentication: by("bigmail.test", "pass"),
    ...more,
  });

const MIB = 1024 * 1024;
const NOW = Date.UTC(2026, 0, 1);
test.each<[string, string, number | string]>([
  ["a return path", returnPath, MIB],
  ["one in capitals", returnPath.toUpperCase(), MIB],
  ["one at the name of a member that has left", returnPath.replace("alder", "gone"), MIB],
  ["a forged one", forged, "5.1.1"],
  [
    "one whose message is forgotten",
    makeReturnPath(makeToken("zzzzzzzzzzzzzzzz", key), "bounce.alder.test"),
    "5.1.6",
  ],
  ["a forward that is forgotten", srsAddress("zzzzzzzzzzzzzzzz", "bounce.coop.test", key, NOW), "5.1.6"],
  ["a forward of last summer", srsAddress(recipientId, "bounce.coop.test", key, NOW - 2e10), "5.1.6"],
  ["postmaster", "postmaster@coop.test", MIB],
  ["postmaster without a domain", "Postmaster", MIB],
  ["feedback loops", "FBL@coop.test", MIB],
  ["DMARC reports", "dmarc@coop.test", 10 * MIB],
  ["TLS reports", "tlsrpt@coop.test", 10 * MIB],
  ["abuse at a bounce name", "abuse@bounce.alder.test", MIB],
  ["postmaster at a bounce name", "postmaster@bounce.alder.test", MIB],
  ["reports at a bounce name", "dmarc@bounce.alder.test", "5.1.1"],
  ["postmaster of somebody else", "postmaster@elsewhere.test", "5.1.1"],
  ["somebody here", "someone@coop.test", "5.1.1"],
  ["a route through us", "postmaster%elsewhere.test@coop.test", "5.1.1"],
  ["nothing", "", "5.1.1"],
])("RCPT to %s", async (_, address, answer) => {
  const admission = await feedback.admit(address);
  expect(admission.ok ? admission.maxBytes : admission.enhanced).toBe(answer);
});

test("a DSN after the delivery becomes a late bounce of the member, once", async () => {
  await deliver();
  const bounce = dsn("failed", "5.1.1", "550 5.1.1 <late@bigmail.test> unknown user");
  expect(await receive(returnPath, bounce)).toEqual({ outcome: "bounced", recipientId });
  const [event] = await events();
  expect(event).toMatchObject({
    action_name: "recipient_bounced",
    data: {
      late: true,
      member: { did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", domain: "alder.test" },
      recipient: { key: "key-of-late@bigmail.test" },
      smtp: { code: 550, enhanced: "5.1.1", class: "bad-mailbox" },
    },
  });
  expect(JSON.stringify(event)).not.toContain("<late@bigmail.test>");
  expect((await spool.messageByRecipient(recipientId))!.recipients[0]!.state).toBe("bounced");
  expect(await receive(returnPath, bounce)).toEqual({
    outcome: "ignored",
    why: "recipient is bounced",
  });
  expect(await events()).toHaveLength(1);
});

test.each([
  ["queued", "too-early"],
  ["deferred", "too-early"],
  ["held", "too-early"],
  ["delivered", "bounced"],
  ["bounced", "ignored"],
  ["expired", "ignored"],
  ["returned", "ignored"],
] as const)("a DSN that finds its recipient %s: %s", async (state, outcome) => {
  await spool.record([{ recipientId, state, nextAt: 0, events: [] }], 1);
  const bounce = dsn("failed", "5.1.1", "550 5.1.1 unknown user");
  expect(await receive(returnPath, bounce)).toMatchObject({ outcome });
  expect(await events()).toHaveLength(outcome === "bounced" ? 1 : 0);
});

test("a delay notice changes nothing", async () => {
  await deliver();
  expect(await receive(returnPath, dsn("delayed", "4.4.1", "timeout"))).toEqual({
    outcome: "ignored",
    why: "delayed",
  });
});

const DID = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const messageToken = makeToken("mmmmmmmmmmmmmmmm", key);
/** A complaint that quotes these fields of the mail. */
const quoting = (...fields: string[]) =>
  Buffer.from(
    [
      'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
      "MIME-Version: 1.0",
      "",
      "--b",
      "Content-Type: message/feedback-report",
      "",
      "Feedback-Type: abuse",
      "",
      "--b",
      "Content-Type: text/rfc822-headers",
      "",
      ...fields,
      "",
      "--b--",
      "",
    ].join("\r\n"),
  );
const yahoo = { authentication: by("yahoo.com", "pass") };

describe("complaints", () => {
  beforeEach(deliver);

  test.each<[string, Buffer, Partial<Incoming>, string | undefined]>([
    ["the return path that they quote", arf("abuse", returnPath), {}, "token"],
    ["a return path in the quoted header", quoting(`Return-Path: <${returnPath}>`), {}, "token"],
    ["our opaque header", quoting(`X-Atmos-Message: ${messageToken}`), {}, "header"],
    [
      "a forged header",
      quoting(`X-Atmos-Message: ${makeToken("mmmmmmmmmmmmmmmm", new Uint8Array(32))}`),
      {},
      undefined,
    ],
    [
      "a Message-ID of ours, from a provider",
      quoting("Message-ID: <mmmmmmmmmmmmmmmm@alder.test>"),
      yahoo,
      "message-id",
    ],
    [
      "a Message-ID of ours, from anybody",
      quoting("Message-ID: <mmmmmmmmmmmmmmmm@alder.test>"),
      {},
      undefined,
    ],
    [
      "a Message-ID of ours at another domain",
      quoting("Message-ID: <mmmmmmmmmmmmmmmm@birch.test>"),
      yahoo,
      undefined,
    ],
    ["Feedback-ID, from a provider", quoting("Feedback-ID: bulk:m7:eu:atmosmail"), yahoo, "feedback-id"],
    ["Feedback-ID, from anybody", quoting("Feedback-ID: bulk:m7:eu:atmosmail"), {}, undefined],
    [
      "Feedback-ID, from one who says that it is a provider",
      quoting("Feedback-ID: bulk:m7:eu:atmosmail"),
      { authentication: by("yahoo.com", "fail") },
      undefined,
    ],
    ["Feedback-ID of another pool", quoting("Feedback-ID: bulk:m7:eu:otherpool"), yahoo, undefined],
    ["Feedback-ID of no member", quoting("Feedback-ID: bulk:m8:eu:atmosmail"), yahoo, undefined],
    ["nothing", quoting("Subject: x"), yahoo, undefined],
    ["a forged return path", arf("abuse", forged), {}, undefined],
  ])("are matched by %s", async (_, raw, more, matched) => {
    const received = await receive("fbl@coop.test", raw, more);
    expect(received).toMatchObject(
      matched ? { outcome: "complained", by: matched, did: DID } : { outcome: "kept-for-people" },
    );
    expect(await events()).toHaveLength(matched ? 1 : 0);
    expect([alarms, inbox.list({})[0]?.kind]).toEqual(matched ? [0, undefined] : [1, "complaint"]);
  });

  test("without a recipient they count for the member, once each", async () => {
    const raw = quoting("Feedback-ID: bulk:m7:eu:atmosmail", "Message-ID: <1@alder.test>");
    for (let n = 0; n < 2; n++) await receive("fbl@coop.test", raw, yahoo);
    await receive(
      "fbl@coop.test",
      quoting("Feedback-ID: bulk:m7:eu:atmosmail", "Message-ID: <2@alder.test>"),
      yahoo,
    );
    const keys = (await events()).map(({ data }) => data.dedupe_key);
    expect(new Set(keys).size).toBe(2);
  });

  test("the same one twice has one name, and core counts it once", async () => {
    for (let n = 0; n < 2; n++) await receive("fbl@coop.test", arf("abuse", returnPath));
    expect(new Set((await events()).map(({ data }) => data.dedupe_key))).toEqual(
      new Set([`complaint:${recipientId}`]),
    );
  });

  test.each(["not-spam", "auth-failure", "opt-out"])("%s does not count", async (type) => {
    expect(await receive("fbl@coop.test", arf(type, returnPath))).toMatchObject({ outcome: "ignored" });
    expect(await events()).toEqual([]);
  });

  test("one that matches nothing alarms once, however often it comes", async () => {
    for (let n = 0; n < 3; n++) await receive("fbl@coop.test", quoting("Subject: x"));
    expect([alarms, inbox.list({}).length]).toEqual([1, 1]);
    expect(forwards[0]).toMatchObject({ address: "rosa@people.test", member: null });
    expect(new Set(forwards.map(({ id }) => id)).size).toBe(1);
  });
});

describe("a complaint about mail that", () => {
  const about = () => receive("fbl@coop.test", arf("abuse", returnPath));
  test("has not left changes nothing", async () => {
    expect(await about()).toMatchObject({ outcome: "ignored", why: "its message has not left" });
    expect(await events()).toEqual([]);
  });
  test("was dropped before it left changes nothing", async () => {
    await spool.record([{ recipientId, state: "dropped", nextAt: 0, events: [] }], 1);
    expect(await about()).toMatchObject({ outcome: "ignored" });
  });
  test("is being delivered comes again", async () => {
    await spool.lease({ now: 10, max: 10, perDomain: 10, busy: [] });
    expect(await about()).toMatchObject({ outcome: "too-early" });
  });
});

const letter = (...header: string[]) =>
  Buffer.from(
    ["From: Ada <ada@away.test>", "Subject: Re: hello", ...header, "", "Thank you", ""].join("\r\n"),
  );
const ada = { mailFrom: "ada@away.test", authentication: by("away.test", "pass") };

describe("a reply to a return path", () => {
  test.each<[string, Buffer, Partial<Incoming>, object]>([
    ["of a person", letter(), ada, { outcome: "forwarded" }],
    [
      "that nothing vouches for",
      letter(),
      { ...ada, authentication: by("away.test", "none") },
      { enhanced: "5.7.26" },
    ],
    ["that is forged", letter(), { ...ada, authentication: by("away.test", "fail") }, { enhanced: "5.7.26" }],
    [
      "while the DNS is out",
      letter(),
      { ...ada, authentication: by("away.test", "temperror") },
      { code: 451 },
    ],
    ["of a vacation program", letter("Auto-Submitted: auto-replied"), ada, { outcome: "ignored" }],
    ["of a list", letter("List-Id: <x.away.test>"), ada, { outcome: "ignored" }],
    ["without a sender", letter(), { ...ada, mailFrom: "" }, { outcome: "kept-for-people" }],
    [
      "of a program",
      letter(),
      { ...ada, mailFrom: "MAILER-DAEMON@away.test" },
      { outcome: "kept-for-people" },
    ],
  ])("%s", async (_, raw, more, expected) => {
    await deliver();
    expect(await receive(returnPath, raw, more)).toMatchObject(expected);
    expect(forwards.length).toBe("outcome" in expected && expected.outcome === "forwarded" ? 1 : 0);
    expect(await events()).toEqual([]);
  });

  test("goes to the member's address, with one id however often it comes", async () => {
    for (let n = 0; n < 2; n++) await receive(returnPath, letter(), ada);
    expect(forwards[0]).toMatchObject({
      address: "ops@alder.test",
      member: { did: DID, domain: "alder.test" },
    });
    expect(forwards[1]!.id).toBe(forwards[0]!.id);
  });

  test("is refused in plain words where the member wants none", async () => {
    feedback = createFeedback({ ...options, repliesTo: () => undefined });
    expect(await receive(returnPath, letter(), ada)).toMatchObject({
      outcome: "refused",
      code: 550,
      text: expect.stringMatching(/^This address takes delivery reports only/),
    });
    expect(forwards).toEqual([]);
  });

  test.each<[Forwarded, object]>([
    ["known", { outcome: "forwarded" }],
    ["loop", { outcome: "refused", code: 554 }],
    ["too-much", { outcome: "refused", code: 451 }],
    ["malformed", { outcome: "refused", code: 550 }],
    ["full", { outcome: "full" }],
  ])("%s", async (answer, expected) => {
    forwarded = answer;
    expect(await receive(returnPath, letter(), ada)).toMatchObject(expected);
  });
});

describe("role mail", () => {
  test.each<[string, string, Buffer, Partial<Incoming>, string, number]>([
    ["of a person", "abuse@coop.test", letter(), ada, "inbox", 1],
    [
      "of nobody known",
      "postmaster@coop.test",
      letter(),
      { ...ada, authentication: by("away.test", "none") },
      "spam",
      0,
    ],
    [
      "while the DNS is out",
      "postmaster@coop.test",
      letter(),
      { ...ada, authentication: by("away.test", "temperror") },
      "inbox",
      1,
    ],
    ["of a program", "postmaster@coop.test", dsn("failed", "5.1.1", "x"), {}, "machine", 0],
    ["of a vacation program", "abuse@coop.test", letter("Auto-Submitted: auto-replied"), ada, "machine", 0],
  ])("%s", async (_, to, raw, more, folder, sent) => {
    expect(await receive(to, raw, more)).toEqual({ outcome: "kept-for-people", entry: 1 });
    expect(inbox.list({})).toMatchObject([{ folder, to, authentication: expect.stringMatching(/^spf=/) }]);
    expect(forwards).toHaveLength(sent);
  });

  test("twice, after a reply that was lost, is one entry and one forward", async () => {
    for (let n = 0; n < 2; n++) await receive("abuse@coop.test", letter(), ada);
    expect(inbox.list({})).toHaveLength(1);
    expect(new Set(forwards.map(({ id }) => id)).size).toBe(1);
  });

  test("that cannot be sent on stands in the inbox all the same", async () => {
    forwarded = "loop";
    expect(await receive("abuse@coop.test", letter(), ada)).toMatchObject({ outcome: "kept-for-people" });
  });
});

const failed = {
  address: "a@hotmail.com",
  action: "failed",
  status: "5.7.1",
  class: "blocked",
  permanent: false,
  fault: "pool",
  remoteMta: "hotmail-com.olc.protection.outlook.com",
  diagnostic: "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3140)",
} as const;

test("what a report means", () => {
  const autoReply = interpret({ kind: "auto-reply", recipients: [] }, "mx", shaping);
  expect(autoReply).toEqual({ kind: "nothing", why: "auto-reply" });
  const delay = interpret({ kind: "bounce", recipients: [{ ...failed, action: "delayed" }] }, "mx", shaping);
  expect(delay).toEqual({ kind: "nothing", why: "delayed" });
});

test("a report's words are judged by the rules of the host that refused", () => {
  expect(interpret({ kind: "bounce", recipients: [failed] }, "mx.test", shaping)).toMatchObject({
    kind: "bounced",
    smtp: { provider: "outlook", class: "blocked", fault: "pool", rule: "microsoft/s3140" },
  });
});

test("where no rule knows the words, the whole bounce says what they mean", () => {
  const quota = {
    ...failed,
    remoteMta: "",
    status: "5.0.0",
    class: "mailbox-full",
    diagnostic: "Nein",
  } as const;
  expect(interpret({ kind: "bounce", recipients: [quota] }, "mx.test", shaping)).toMatchObject({
    kind: "bounced",
    smtp: { provider: "other", class: "mailbox-full", fault: "recipient" },
  });
});
