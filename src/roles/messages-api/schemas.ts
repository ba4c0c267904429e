import { z } from "zod";
import { REPLY_CLASSES } from "../../protocol/smtp-reply/index.ts";
import { HOLD_OWNERS, RECIPIENT_STATES, TOLD_KINDS } from "../../spool/index.ts";
import { STREAMS } from "../../policy/index.ts";
import { parseMailbox } from "./mailbox.ts";

export const MAX_RECIPIENTS = 100;

/** What a message is for. It names the stream, and codes that somebody waits for leave first. */
export const CATEGORIES = {
  "login-link": { stream: "transactional", priority: 0 },
  "password-reset": { stream: "transactional", priority: 0 },
  "mfa-otp": { stream: "transactional", priority: 0 },
  verification: { stream: "transactional", priority: 0 },
  transactional: { stream: "transactional", priority: 1 },
  broadcast: { stream: "bulk", priority: 2 },
  bulk: { stream: "bulk", priority: 2 },
} as const;
export type Category = keyof typeof CATEGORIES;
const category = z
  .enum(Object.keys(CATEGORIES) as [Category, ...Category[]])
  .describe("Names the stream; the first four leave before other mail");

/** One line: a control character (CR and LF among them) could begin a header field of somebody else's. */
const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^\P{Cc}*$/u, "has a control character; it must be one line");
const mailbox = line(998)
  .refine(
    (text) => parseMailbox(text) !== undefined,
    "is not one address, like a@b.example or Name <a@b.example>",
  )
  .describe("`a@b.example` or `Name <a@b.example>`");
const mailboxes = z.union([mailbox, z.array(mailbox).max(MAX_RECIPIENTS)]);
const messageId = line(998).regex(/^<[\x21-\x3b\x3d\x3f-\x7e]+>$/, "is not a message id, like <a@b.example>");

/** Fields with a name of their own here, and those that only the relay writes. */
const RESERVED =
  /^(from|to|cc|bcc|reply-to|subject|date|sender|in-reply-to|references|mime-version|return-path|feedback-id|authentication-results|dkim-signature|domainkey-signature|(content|received|resent|arc|x-atmos)(-.*)?)$/i;
const headers = z
  .record(
    z
      .string()
      .max(76)
      .regex(/^[!-9;-~]+$/, "is not a name of a header field")
      .refine((name) => !RESERVED.test(name), "is written by the relay, or has a field of its own here"),
    line(2_000),
  )
  .refine((all) => Object.keys(all).length <= 50, "has more than 50 fields")
  .describe("More header fields; those that have a name here, and those that the relay writes, are refused");

const attachment = z.strictObject({
  filename: line(255).min(1),
  contentType: line(127)
    .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/, "is not a media type, like image/png")
    .refine(
      (type) => !/^(multipart|message)\//i.test(type),
      "cannot be attached; send such a message as message/rfc822",
    )
    .default("application/octet-stream"),
  content: z
    .string()
    .refine(isBase64, "is not base64 (RFC 4648 section 4)")
    .meta({ contentEncoding: "base64" }),
  contentId: line(200)
    .regex(/^[^<>\s]+$/, "is a name without angle brackets and spaces")
    .optional()
    .describe("For `cid:` links of the HTML"),
});

/** What is longer belongs into an attachment: its lines are gone through while others wait. */
const words = z.string().max(4 * 1024 * 1024);

const content = {
  from: mailbox,
  subject: line(998),
  text: words.optional(),
  html: words.optional(),
  replyTo: mailbox.optional(),
  headers: headers.optional(),
  category: category.optional(),
};

/** `POST /v1/messages`. */
export const newMessage = z
  .strictObject({
    ...content,
    subject: content.subject.default(""),
    to: mailboxes.default([]),
    cc: mailboxes.default([]),
    bcc: mailboxes.default([]),
    attachments: z.array(attachment).max(50).default([]),
    stream: z.enum(STREAMS).optional().describe("Default: that of the category, or what the header says"),
    requireTls: z
      .boolean()
      .default(false)
      .describe("Every host on its way must offer REQUIRETLS under TLS and be authenticated (RFC 8689)"),
    inReplyTo: messageId.optional(),
    references: z.array(messageId).max(50).optional(),
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, "needs a text, or html, or both")
  .refine(
    ({ to, cc, bcc }) => between([to, cc, bcc].flat().length),
    `needs 1 to ${MAX_RECIPIENTS} recipients in to, cc and bcc together`,
  )
  .refine(
    (m) => m.stream === undefined || m.category === undefined || CATEGORIES[m.category].stream === m.stream,
    "names a stream that is not its category's; one of them is enough",
  );
export type NewMessage = z.output<typeof newMessage>;

/** `POST /v1/send`, as comail has it: what is not known is passed over. */
export const comailMessage = z
  .object({ ...content, to: mailboxes })
  .refine(({ text, html }) => text !== undefined || html !== undefined, "needs a text, or html, or both")
  .refine(({ to }) => between([to].flat().length), `needs 1 to ${MAX_RECIPIENTS} recipients`);

const time = z.iso.datetime().describe("UTC");
const reason = z.string().describe("One name for each outcome, as in SMTP replies, logs, metrics and events");
const smtp = {
  code: z.int().describe("SMTP reply code; 0 when there was no reply"),
  enhanced: z.string().describe("Enhanced status code (RFC 3463), or empty"),
};

const recipientResult = z.strictObject({
  address: z.string(),
  status: z.enum(["accepted", "refused"]),
  ...smtp,
  reason,
  message: z.string(),
});
export type RecipientResult = z.infer<typeof recipientResult>;

export const accepted = z.strictObject({
  id: z.string().describe("For GET /v1/messages/{id}"),
  state: z.enum(["queued", "paced", "held"]),
  leavesAt: time.nullable().describe("When its first attempt begins; null while it is held"),
  recipients: z.array(recipientResult),
});

export type Accepted = z.infer<typeof accepted>;

export const fault = z.strictObject({
  error: z.string().describe("Kind of the fault"),
  message: z.string(),
  reason,
  link: z.url().nullable().describe("Where the reason is explained"),
  recipients: z.array(recipientResult).optional(),
});
export type Fault = z.infer<typeof fault>;

const attempt = z.strictObject({
  at: time,
  durationMs: z.int(),
  host: z.string().describe("Mail host and address, or empty when there was none to ask"),
  ...smtp,
  text: z.string(),
  class: z.enum(REPLY_CLASSES).describe("What kind of answer it is"),
  permanent: z.boolean().describe("Asking again would not help"),
  fault: z
    .enum(["recipient", "member", "pool", "remote", "none"])
    .nullable()
    .describe("Who can mend it; null when it was not kept"),
  rule: z.string().nullable().describe("Name of the rule that judged the answer, or null: the general table"),
  means: z.string().describe("In plain words, with what to do"),
  egress: z.string().nullable().describe("Address of the relay that it left from; null when it is not known"),
  tls: z.string().describe("Protocol and cipher, or empty"),
  tlsPolicy: z
    .enum(["dane", "mta-sts", "requiretls", "operator", "floor", "exception"])
    .nullable()
    .describe("Why the connection had to be as it was; null when there was none"),
  conversation: z.string().describe("All that was said, without secrets and the message itself"),
});

const recipient = z.strictObject({
  address: z.string(),
  state: z.enum(RECIPIENT_STATES),
  hold: z.strictObject({ reason, owner: z.enum(HOLD_OWNERS) }).nullable(),
  nextAttemptAt: time.nullable(),
  updatedAt: time,
  attempts: z.int(),
});

const summary = {
  id: z.string(),
  kind: z
    .enum(["mail", "dsn", "notice", "report", "forward", "test"])
    .describe("`dsn`, `notice`: what the relay wrote to the member"),
  receivedAt: time,
  from: z.string().describe("MAIL FROM, as it was handed in; empty for a `dsn`"),
  stream: z.string(),
  size: z.int().describe("Octets"),
  credential: z.string().nullable(),
};

export const messageList = z.strictObject({
  messages: z.array(z.strictObject({ ...summary, recipients: z.array(recipient) })).describe("Newest first"),
  next: z.string().nullable().describe("`before` of the next page"),
});
export type MessageList = z.infer<typeof messageList>;

const notice = z.strictObject({
  at: time,
  kind: z
    .enum(TOLD_KINDS)
    .describe("Refused, given up after five days, given back unsent, late, handed over, delivered"),
  recipient: z.string(),
  status: z.string().describe("Enhanced status code (RFC 3463)"),
  sentTo: z.string().nullable().describe("Where it was mailed to; null: nowhere"),
  text: z.string().describe("The words of the notice"),
});

export const messageDetail = z.strictObject({
  ...summary,
  requireTls: z
    .boolean()
    .describe("It travels on only under TLS with hosts that are authenticated (RFC 8689)"),
  recipients: z.array(recipient.extend({ attempts: z.array(attempt) })),
  notices: z.array(notice).describe("What you were told of it, oldest first"),
});
export type MessageDetail = z.infer<typeof messageDetail>;

export const listQuery = z.object({
  before: z
    .string()
    .regex(/^\d{1,15}$/, "is not a place in the list; take it from `next`")
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

export const comailAccepted = z.strictObject({
  accepted: z.array(
    z.strictObject({
      recipient: z.string(),
      messageId: z.int().describe("A number, as comail has it"),
      id: z.string().describe("For GET /v1/messages/{id}"),
    }),
  ),
  rejected: z.array(z.strictObject({ recipient: z.string(), reason: z.string(), code: reason })),
});
export type ComailAccepted = z.infer<typeof comailAccepted>;

const COMAIL_CODES = [
  "AUTH_REQUIRED",
  "INVALID_DID",
  "AUTH_FAILED",
  "MEMBER_SUSPENDED",
  "DOMAIN_MISMATCH",
  "RATE_LIMITED",
  "INVALID_REQUEST",
  "QUEUE_FULL",
  "TEMPORARILY_UNAVAILABLE",
] as const;
export type ComailCode = (typeof COMAIL_CODES)[number];
export const comailFault = z.strictObject({ error: z.string(), code: z.enum(COMAIL_CODES) });
export type ComailFault = z.infer<typeof comailFault>;

function between(recipients: number): boolean {
  return recipients >= 1 && recipients <= MAX_RECIPIENTS;
}

function isBase64(text: string): boolean {
  const end = text.endsWith("==") ? -2 : text.endsWith("=") ? -1 : text.length;
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.slice(0, end));
}
