import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventMaker, type Envelope } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { silentLog } from "../platform/log.ts";
import { makeReturnPath, makeToken } from "../protocol/verp/index.ts";
import { builtInShaping } from "../shaping/index.ts";
import { createSpool, type Spool } from "../spool/index.ts";
import { createFeedback, createRoleMail, type Feedback } from "./index.ts";
import { interpret } from "./interpret.ts";

const shaping = builtInShaping();
const key = new Uint8Array(32).fill(3);
const recipientId = "aaaabbbbccccdddd";
const returnPath = makeReturnPath(makeToken(recipientId, key), "bounce.alder.test");
const forged = makeReturnPath(makeToken(recipientId, new Uint8Array(32)), "bounce.alder.test");
let dir: string;
let spool: Spool;
let feedback: Feedback;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-feedback-"));
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  const clock = new MovableClock(Date.UTC(2026, 0, 1));
  let n = 0;
  feedback = createFeedback({
    spool,
    tokenKey: key,
    recipientKey: (address) => `key-of-${address}`,
    poolDomains: ["coop.test"],
    newEvent: eventMaker(
      () => clock.now(),
      () => String(++n),
    ),
    roleMail: createRoleMail(join(dir, "role-mail")),
    shaping,
    clock,
    log: silentLog,
  });
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

test.each([
  [returnPath, true],
  [returnPath.toUpperCase(), true],
  [forged, false],
  ["postmaster@coop.test", true],
  ["FBL@coop.test", true],
  ["postmaster@elsewhere.test", false],
  ["someone@coop.test", false],
])("%s is taken: %s", (address, taken) => expect(feedback.accepts(address)).toBe(taken));

test("a DSN after the delivery becomes a late bounce of the member, once", async () => {
  await deliver();
  const bounce = dsn("failed", "5.1.1", "550 5.1.1 <late@bigmail.test> unknown user");
  expect(await feedback.receive(returnPath, bounce, "mx")).toEqual({ outcome: "bounced", recipientId });
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
  expect(await feedback.receive(returnPath, bounce, "mx")).toEqual({
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
  expect(await feedback.receive(returnPath, bounce, "mx")).toMatchObject({ outcome });
  expect(await events()).toHaveLength(outcome === "bounced" ? 1 : 0);
});

test("a delay notice changes nothing", async () => {
  await deliver();
  expect(await feedback.receive(returnPath, dsn("delayed", "4.4.1", "timeout"), "mx")).toEqual({
    outcome: "ignored",
    why: "delayed",
  });
});

describe("complaints", () => {
  test("are matched by the return path that they quote", async () => {
    expect(await feedback.receive("fbl@coop.test", arf("abuse", returnPath), "mx.bigmail.test")).toEqual({
      outcome: "complained",
      recipientId,
    });
    expect((await events())[0]).toMatchObject({ action_name: "complaint_received" });
  });
  test("withdrawn ones do not count", async () => {
    expect(await feedback.receive("fbl@coop.test", arf("not-spam", returnPath), "mx")).toMatchObject({
      outcome: "ignored",
    });
    expect(await events()).toEqual([]);
  });
  test("forged ones reach a person and blame nobody", async () => {
    expect(await feedback.receive("fbl@coop.test", arf("abuse", forged), "mx")).toEqual({
      outcome: "kept-for-people",
    });
    expect(await events()).toEqual([]);
    expect(readdirSync(join(dir, "role-mail"))).toHaveLength(1);
  });
});

test("what a report means", () => {
  expect(interpret({ kind: "auto-reply" }, "mx", shaping)).toEqual({ kind: "nothing", why: "auto-reply" });
  expect(interpret({ kind: "dsn", statuses: [], original: new Map() }, "mx", shaping)).toMatchObject({
    kind: "nothing",
  });
});

test("a report's words are judged by the rules of the host that refused", () => {
  const failed = {
    action: "failed",
    status: "5.7.1",
    code: 550,
    remoteMta: "hotmail-com.olc.protection.outlook.com",
    diagnostic: "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3140)",
  };
  const status = failed as unknown as Extract<
    Parameters<typeof interpret>[0],
    { kind: "dsn" }
  >["statuses"][0];
  expect(
    interpret({ kind: "dsn", statuses: [status!], original: new Map() }, "mx.test", shaping),
  ).toMatchObject({
    kind: "bounced",
    smtp: { provider: "outlook", class: "blocked", fault: "pool", rule: "microsoft/s3140" },
  });
});
