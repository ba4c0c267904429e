import { describe, expect, test } from "vitest";
import {
  classify,
  parseReply,
  REPLY_CLASSES,
  withoutAddresses,
  type ReplyClass,
  type ReplyPhase,
} from "./classify.ts";
import { explain } from "./words.ts";

const cases: [phase: ReplyPhase, raw: string, kind: ReplyClass, permanent: boolean][] = [
  ["body", "250 2.0.0 OK 1767225600 a640c23a62f3a-b7 - gsmtp", "ok", false],
  // Gmail
  [
    "rcpt",
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address\n550 5.1.1 https://support.google.com/mail/?p=NoSuchUser - gsmtp",
    "bad-mailbox",
    true,
  ],
  ["rcpt", "550 5.2.1 The email account that you tried to reach is inactive. - gsmtp", "bad-mailbox", true],
  [
    "rcpt",
    "452-4.2.2 The recipient's inbox is out of storage space and inactive. - gsmtp",
    "mailbox-full",
    false,
  ],
  [
    "rcpt",
    "552 5.2.2 The email account that you tried to reach is over quota. - gsmtp",
    "mailbox-full",
    true,
  ],
  [
    "body",
    "550-5.7.26 Your email has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.",
    "authentication",
    true,
  ],
  [
    "body",
    "550-5.7.1 [192.0.2.1      12] Gmail has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked.",
    "content",
    true,
  ],
  [
    "body",
    "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.",
    "rate-limited",
    false,
  ],
  [
    "rcpt",
    "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
    "rate-limited",
    false,
  ],
  [
    "body",
    "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely suspicious due to the very low reputation of the sending IP address.",
    "blocked",
    true,
  ],
  ["body", "552 5.3.4 Your message exceeded Google's message size limits.", "too-large", true],
  [
    "body",
    "421 4.7.32 Your email has been rate limited because the From: header (RFC5322) in this message isn't aligned with either the authenticated SPF or DKIM organizational domain.",
    "authentication",
    false,
  ],
  // Of no known words, or of the sender: nothing that ends an address.
  [
    "rcpt",
    "553 this one stands not in the list of recipients: recipient is not in our rcpt list",
    "bad-mailbox",
    true,
  ],
  ["rcpt", "550 The from address is none that does match our Identity records", "policy", true],
  ["rcpt", "550 The from address does not match the login", "authentication", true],
  ["mail", "451 HELO must be a name", "authentication", false],
  ["rcpt", "451 198.51.100.4 is not yet authorized to deliver to you", "greylisted", false],
  ["rcpt", "500 5.5.1 unknown command", "system", true],
  ["rcpt", "553 this host denies relay", "system", true],
  ["rcpt", "450 4.4.1 the recipient's server is unavailable", "network", false],
  // NetEase tells why in codes (mail.163.com/help, SMTP error codes).
  ["body", "554 DT:SPM mx9,abc", "content", true],
  ["connect", "421 HL:ICC 192.0.2.1", "rate-limited", false],
  ["mail", "450 MI:DMC mx1", "rate-limited", false],
  ["body", "450 DT:RBL mx1", "blocked", false],
  ["body", "552 that attachment is too long", "too-large", true],
  // Microsoft
  [
    "rcpt",
    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [AM7EUR03FT0.eop-EUR03.prod.protection.outlook.com]",
    "bad-mailbox",
    true,
  ],
  [
    "rcpt",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "bad-mailbox",
    true,
  ],
  [
    "rcpt",
    "550 5.4.1 Recipient address rejected: Access denied. [DB5EUR01FT0.eop-EUR01.prod.protection.outlook.com]",
    "bad-mailbox",
    true,
  ],
  [
    "mail",
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).",
    "blocked",
    true,
  ],
  [
    "body",
    "550 5.7.515 Access denied, sending domain EXAMPLE.ORG does not meet the required authentication level.",
    "authentication",
    true,
  ],
  [
    "mail",
    "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.",
    "rate-limited",
    false,
  ],
  [
    "rcpt",
    "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719) [X.eop]",
    "system",
    false,
  ],
  [
    "rcpt",
    "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal visit https://sender.office.com/",
    "blocked",
    true,
  ],
  ["body", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", "mailbox-full", true],
  // Yahoo and AOL
  [
    "body",
    "554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0] - mta1.mail.yahoo.com",
    "bad-mailbox",
    true,
  ],
  [
    "mail",
    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
    "rate-limited",
    false,
  ],
  [
    "connect",
    "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
    "blocked",
    false,
  ],
  [
    "body",
    "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
    "policy",
    true,
  ],
  ["rcpt", "552 1 Requested mail action aborted, mailbox not found", "bad-mailbox", true],
  // Apple
  ["rcpt", "550 5.1.1 <a@icloud.com>: user does not exist", "bad-mailbox", true],
  [
    "body",
    "554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
    "policy",
    true,
  ],
  // Postfix
  [
    "rcpt",
    "550 5.1.1 <a@example.org>: Recipient address rejected: User unknown in local recipient table",
    "bad-mailbox",
    true,
  ],
  [
    "rcpt",
    "450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.org.html",
    "greylisted",
    false,
  ],
  ["rcpt", "554 5.7.1 <a@example.org>: Relay access denied", "system", true],
  [
    "rcpt",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "blocked",
    true,
  ],
  ["rcpt", "452 4.3.1 Insufficient system storage", "system", false],
  ["mail", "552 5.3.4 Message size exceeds fixed limit", "too-large", true],
  ["connect", "421 4.7.0 mx.example.org Error: too many connections from 192.0.2.1", "rate-limited", false],
  ["mail", "530 5.7.0 Must issue a STARTTLS command first", "no-tls", false],
  ["rcpt", "451 4.3.5 Server configuration error", "system", false],
  [
    "rcpt",
    "450 4.1.8 <b+x@bounce.example.org>: Sender address rejected: Domain not found",
    "authentication",
    false,
  ],
  // Exim
  ["rcpt", "550 Unrouteable address", "bad-mailbox", true],
  ["rcpt", "550 Unknown user", "bad-mailbox", true],
  ["rcpt", "451 Temporary local problem - please try later", "system", false],
  ["body", "550 This message was classified as SPAM and may not be delivered", "content", true],
  ["rcpt", "550 relay not permitted", "system", true],
  ["body", "554 5.6.0 Message contains invalid header", "content", true],
  // Others
  ["connect", "554 mail.example.org ESMTP not accepting messages", "blocked", false],
  ["ehlo", "501 5.5.2 invalid HELO", "blocked", false],
  ["starttls", "454 4.7.0 TLS not available", "no-tls", false],
  ["starttls", "", "no-tls", false],
  ["connect", "", "network", false],
  ["body", "", "network", false],
  ["rcpt", "550 No", "bad-mailbox", true],
  ["body", "550 No", "policy", true],
  ["rcpt", "499 hm", "unknown", false],
];

const faultAtRcpt = (raw: string) => classify({ ...parseReply(raw), phase: "rcpt" }).fault;

describe("classify", () => {
  test.each(cases)("%s: %s", (phase, raw, kind, permanent) => {
    const got = classify({ ...parseReply(raw), phase });
    expect([got.class, got.permanent]).toEqual([kind, permanent]);
  });

  test("who is to mend it", () => {
    expect(faultAtRcpt("550 5.1.1 User unknown")).toBe("recipient");
    expect(faultAtRcpt("554 5.7.1 blocked using zen.spamhaus.org")).toBe("pool");
    expect(faultAtRcpt("550 5.7.26 DKIM did not pass")).toBe("member");
    expect(faultAtRcpt("451 4.3.0 Internal error")).toBe("remote");
  });

  test("a hostile reply is judged in time", () => {
    const started = performance.now();
    classify({ ...parseReply("550 " + "user ".repeat(200_000)), phase: "rcpt" });
    expect(performance.now() - started).toBeLessThan(100);
  });
});

test("parseReply joins lines and takes the enhanced code apart", () => {
  expect(parseReply("550-5.1.1 No such\r\n550 5.1.1 user here")).toEqual({
    code: 550,
    enhanced: "5.1.1",
    text: "No such user here",
  });
  expect(parseReply("250 ok")).toEqual({ code: 250, enhanced: "", text: "ok" });
  expect(parseReply("")).toEqual({ code: 0, enhanced: "", text: "" });
});

test("events carry no addresses", () => {
  expect(withoutAddresses("<a.b@example.org>: user x@y.test unknown")).toBe(
    "<<address>>: user <address> unknown",
  );
});

test.each<[ReplyClass, boolean, RegExp]>([
  ["ok", false, /took the message\.$/],
  ["bad-mailbox", true, /no such mailbox.*given back, and not tried again\.$/],
  ["blocked", false, /the pool's to mend\. It is tried again for up to five days/],
])("a member is told of %s, permanent %s", (kind, permanent, words) => {
  expect(explain({ class: kind, permanent })).toMatch(words);
});

test("there are words for every class", () => {
  for (const kind of REPLY_CLASSES)
    expect(explain({ class: kind, permanent: true })).toMatch(/^The.*\.$|^A.*\.$|^It.*\.$/);
});
