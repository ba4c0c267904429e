import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { eventMaker, type Envelope } from "../event/index.ts";
import { MovableClock } from "../lib/clock.ts";
import { makeReturnPath, makeToken } from "../protocol/verp/index.ts";
import { createSpool, type AttemptRow, type Spool } from "../spool/index.ts";
import type { Inbox } from "../inbox/index.ts";
import type { Authentication } from "../protocol/authentication/index.ts";
import { DID, mailTo, openInbox, readingParts, tokenKey } from "./node.fixture.ts";
import {
  createFeedback,
  type Feedback,
  type FeedbackOptions,
  type Forwarded,
  type ForwardWish,
  type Incoming,
} from "./index.ts";

export const key = tokenKey;
export const recipientId = "aaaabbbbccccdddd";
export const returnPath = makeReturnPath(makeToken(recipientId, key), "bounce.alder.test");
export const forged = makeReturnPath(makeToken(recipientId, new Uint8Array(32)), "bounce.alder.test");
let dir: string;
export let spool: Spool;
export let feedback: Feedback;
export let inbox: Inbox;
let closeInbox: () => void;
export let forwards: (ForwardWish & { address: string })[];
export let alarms: number;
/** What the forwarder answers. */
let forwarded: Forwarded;
export const answerForwards = (answer: Forwarded) => void (forwarded = answer);
let options: FeedbackOptions;
const NOW = Date.UTC(2026, 0, 1);
export let clock: MovableClock;

/** A spool with one message, an inbox and the reading of what comes back, new for each test of a file. */
export function useFeedback(): void {
  beforeEach(open);
  afterEach(close);
}

async function open(): Promise<void> {
  dir = mkdtempSync(join(tmpdir(), "atmos-feedback-"));
  spool = await createSpool({ path: join(dir, "spool.sqlite") });
  clock = new MovableClock(NOW);
  let n = 0;
  ({ inbox, close: closeInbox } = openInbox(":memory:"));
  forwards = [];
  alarms = 0;
  forwarded = "taken";
  options = {
    ...readingParts(spool, inbox),
    recipientKey: (address) => `key-of-${address}`,
    poolDomains: ["coop.test", "bounce.coop.test"],
    isBounceName: (domain) => domain === "bounce.alder.test",
    feedbackId: { region: "eu", sender: "atmosmail" },
    memberByHandle: (handle) =>
      handle === "m7" || handle === "m7m7" ? { did: DID, domain: "alder.test" } : undefined,
    newEvent: eventMaker(
      () => clock.now(),
      () => String(++n),
    ),
    repliesTo: () => "ops@alder.test",
    rolesTo: "rosa@people.test",
    async forward(wish) {
      forwards.push(wish);
      return forwarded;
    },
    alarm: () => void alarms++,
    clock,
  };
  feedback = createFeedback(options);
  const head = "From: <noreply@alder.test>\r\nMessage-Id:\r\n <Code.1@pds.Alder.test>\r\n\r\n";
  await spool.accept(mailTo({ [recipientId]: "late@bigmail.test" }, { head: Buffer.from(head) }));
}

async function close(): Promise<void> {
  closeInbox();
  await spool.close();
  rmSync(dir, { recursive: true });
}

/** `host`: the one that took the message. */
export const deliver = (host?: string) =>
  spool.record(
    [
      {
        recipientId,
        state: "delivered",
        nextAt: 0,
        events: [],
        ...(host !== undefined && { attempt: takenBy(host) }),
      },
    ],
    NOW,
  );
const takenBy = (host: string): AttemptRow => ({
  at: NOW,
  durationMs: 10,
  host,
  code: 250,
  enhanced: "2.0.0",
  text: "OK",
  class: "ok",
  permanent: false,
  fault: null,
  rule: null,
  tls: "",
  tlsPolicy: null,
  transcript: "",
});
export const events = async () =>
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
export const dsn = (action: string, status: string, diagnostic: string) =>
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
export const arf = (kind: string, mailFrom: string) =>
  report(
    "feedback-report",
    "message/feedback-report",
    `Feedback-Type: ${kind}`,
    `Original-Mail-From: <${mailFrom}>`,
    "",
  );

export const by = (domain: string, result: "pass" | "fail" | "none" | "temperror"): Authentication => ({
  spf: { result: result === "fail" ? "fail" : result, domain },
  dkim: [],
  dmarc: { result, domain, policy: "none" },
  arc: { result: "none" },
  results: `spf=${result}`,
});

export const receive = (to: string, raw: Uint8Array, more: Partial<Incoming> = {}) =>
  feedback.receive({
    to,
    raw,
    mailFrom: "",
    from: "mx.bigmail.test",
    ip: "192.0.2.1",
    tls: "TLSv1.3",
    authentication: by("bigmail.test", "pass"),
    ...more,
  });

export { DID };
export const messageToken = makeToken("mmmmmmmmmmmmmmmm", key);
/** A complaint that quotes these fields of the mail. */
export const quoting = (...fields: string[]) =>
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
export const yahoo = { authentication: by("yahoo.com", "pass") };

export const letter = (...header: string[]) =>
  Buffer.from(
    ["From: Ada <ada@away.test>", "Subject: Re: hello", ...header, "", "Thank you", ""].join("\r\n"),
  );
export const ada = { mailFrom: "ada@away.test", authentication: by("away.test", "pass") };

/** The reading of what comes back, with other parts. */
export const readingWith = (more: Partial<FeedbackOptions>) =>
  void (feedback = createFeedback({ ...options, ...more }));
