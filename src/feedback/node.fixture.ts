import { createInbox, inboxMigration, type Inbox } from "../inbox/index.ts";
import { eventMaker } from "../event/index.ts";
import { systemClock } from "../lib/clock.ts";
import { snowflakes } from "../lib/ids.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import { builtInShaping } from "../shaping/index.ts";
import type { Acceptance, Spool } from "../spool/index.ts";
import type { FeedbackOptions } from "./index.ts";

/* Of tests of what comes in, in processes without a test runner too. */

export const DID = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
export const tokenKey = new Uint8Array(32).fill(3);

/** What a relay node reads mail with that nobody wants replies of and nobody forwards. */
export function readingParts(spool: Spool, inbox: Pick<Inbox, "keep">): FeedbackOptions {
  return {
    spool,
    tokenKey,
    recipientKey: (address) => address,
    poolDomains: ["pool.test"],
    isBounceName: () => false,
    feedbackId: { region: "eu", sender: "atmos" },
    memberByHandle: () => undefined,
    newEvent: eventMaker(
      () => Date.now(),
      snowflakes(() => Date.now()),
    ),
    inbox,
    repliesTo: () => undefined,
    forward: async () => "loop",
    shaping: builtInShaping(),
    clock: systemClock,
    log: silentLog,
  };
}

/** An inbox in a file. */
export function openInbox(path: string) {
  const db = new Database(path, [inboxMigration]);
  return { inbox: createInbox({ db }), close: () => db.close() };
}

/** A message of a member as the spool takes it in; `to`: ids of recipients with their addresses. */
export function mailTo(to: Record<string, string>, change: Partial<Acceptance["message"]> = {}): Acceptance {
  return {
    message: {
      id: "mmmmmmmmmmmmmmmm",
      did: DID,
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
      ...change,
    },
    recipients: Object.entries(to).map(([id, address]) => ({
      id,
      address,
      domain: address.slice(address.indexOf("@") + 1),
      state: "queued",
      nextAt: 0,
      firstTime: false,
      notify: null,
      orcpt: null,
    })),
    events: [],
  };
}

/** The same, delivered a moment ago. */
export async function delivered(
  spool: Spool,
  to: Record<string, string>,
  id = "mmmmmmmmmmmmmmmm",
): Promise<void> {
  const now = Date.now();
  await spool.accept(mailTo(to, { id, receivedAt: now }));
  for (const recipientId of Object.keys(to))
    await spool.record([{ recipientId, state: "delivered", nextAt: 0, events: [] }], now);
}

/** A report of a host that gave up (RFC 3464). */
export const bounceOf = (address: string): string =>
  [
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.a.test",
    "",
    `Final-Recipient: rfc822; ${address}`,
    "Action: failed",
    "Status: 5.1.1",
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
    "",
    "--b--",
    "",
  ].join("\r\n");
