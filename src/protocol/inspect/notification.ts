import { headerOf, type Mail } from "../mime/index.ts";
import { readAddress } from "./address.ts";
import type { Failure } from "./failure.ts";
import type { InspectedRecipient, Inspection } from "./types.ts";
import { judge } from "./verdict.ts";

type Fields = Record<string, unknown>;

const SENDER = /[@.](?:amazonaws|amazonses)\.com\b/i;
const MOST_RECIPIENTS = 1_000;
const MOST_FIELDS = 200;

/** What Amazon SES tells where it gives no reply: its kinds of bounces in words that are judged as any others. */
const SUB_TYPES: Readonly<Record<string, string>> = {
  NoEmail: "No such mailbox",
  Suppressed: "Recipient address rejected",
  OnAccountSuppressionList: "Recipient address rejected",
  MailboxFull: "Mailbox is full",
  MessageTooLarge: "Message too large",
  ContentRejected: "Message content rejected",
  AttachmentRejected: "Attachment rejected",
};

const ACTIONS: Readonly<Record<string, [action: InspectedRecipient["action"], listed: string]>> = {
  bounce: ["failed", "bouncedRecipients"],
  deliverydelay: ["delayed", "delayedRecipients"],
  delivery: ["delivered", "recipients"],
};

/**
 * A notification of Amazon SES that its SNS sent by mail: JSON, bare or as the `Message` of another
 * (docs.aws.amazon.com/ses, "Amazon SNS notification contents"). Undefined: it is none.
 */
export function readNotification(mail: Mail): Inspection | undefined {
  if (!SENDER.test(headerOf(mail, "from").slice(0, 1_000))) return undefined;
  const outer = jsonIn(mail.text);
  const told = typeof outer?.["Message"] === "string" ? jsonIn(outer["Message"]) : outer;
  if (!told) return undefined;
  const kind = textOf(told["notificationType"] ?? told["eventType"]).toLowerCase();
  const original = originalOf(fieldsOf(told["mail"]));
  if (kind === "complaint") return complaintOf(fieldsOf(told["complaint"]), fieldsOf(told["mail"]), original);
  const [action, listed] = Object.hasOwn(ACTIONS, kind) ? ACTIONS[kind]! : [];
  if (action === undefined || listed === undefined) return undefined;
  const about = fieldsOf(told[kind === "deliverydelay" ? "deliveryDelay" : kind]);
  const recipients = listOf(about[listed]).map((one) => judge(failureOf(one, action, about)));
  return recipients.length > 0 ? { kind: "bounce", recipients, original } : undefined;
}

function failureOf(given: unknown, action: InspectedRecipient["action"], about: Fields): Failure {
  const one = fieldsOf(given);
  const words = SUB_TYPES[textOf(about["bounceSubType"])] ?? "";
  return {
    address: readAddress(typeof given === "string" ? given : textOf(one["emailAddress"])),
    action,
    status: /^[245]\.\d{1,3}\.\d{1,3}$/.exec(textOf(one["status"]))?.[0] ?? "",
    diagnostic:
      textOf(one["diagnosticCode"])
        .replace(/^[\w-]{1,20}\s*;\s*/, "")
        .slice(0, 8_000) || words,
    remoteMta: textOf(about["remoteMtaIp"]).slice(0, 100),
    notice: "",
    context: "",
  };
}

function complaintOf(about: Fields, mail: Fields, original: NonNullable<Inspection["original"]>): Inspection {
  const arrived = Date.parse(textOf(about["arrivalDate"]) || textOf(about["timestamp"]));
  return {
    kind: "complaint",
    recipients: [],
    complaint: {
      type: textOf(about["complaintFeedbackType"]).slice(0, 100).toLowerCase() || "abuse",
      provider: "amazon",
      recipient: readAddress(textOf(fieldsOf(listOf(about["complainedRecipients"])[0])["emailAddress"])),
      originalMailFrom: readAddress(textOf(mail["source"])),
      sourceIp: textOf(mail["sourceIp"]).slice(0, 100),
      arrivedAt: Number.isNaN(arrived) ? null : arrived,
      incidents: 1,
      ...original,
    },
  };
}

function originalOf(mail: Fields): NonNullable<Inspection["original"]> {
  const found: [string, string][] = listOf(mail["headers"])
    .slice(0, MOST_FIELDS)
    .map((one) => fieldsOf(one))
    .map(({ name, value }) => [textOf(name).toLowerCase(), textOf(value)]);
  const original = Object.fromEntries(found.toReversed().filter(([name]) => name !== ""));
  const source = readAddress(textOf(mail["source"]));
  return {
    messageId: (original["message-id"] ?? "").trim(),
    feedbackId: (original["feedback-id"] ?? "").trim(),
    returnPaths: source === "" ? [] : [source],
    original,
  };
}

/** The object that a text begins with; SNS adds lines behind it on how to unsubscribe. */
function jsonIn(text: string): Fields | undefined {
  const start = text.trimStart();
  if (!start.startsWith("{")) return undefined;
  const end = start.search(/\n--[ \t]*\r?\n/);
  const whole = (end < 0 ? start : start.slice(0, end)).replace(/\r?\n/g, "");
  try {
    const value: unknown = JSON.parse(whole);
    return fieldsOf(value);
  } catch {
    return undefined;
  }
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, MOST_RECIPIENTS) : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, 10_000) : "");
