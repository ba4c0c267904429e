import PostalMime, { type Attachment, type Email } from "postal-mime";
import { readBlocks, readFields, typedValue, type Fields } from "./fields.ts";

/** What a DSN says of one recipient (RFC 3464 2.3). */
export type DeliveryStatus = {
  recipient: string;
  action: "failed" | "delayed" | "delivered" | "relayed" | "expanded" | "unknown";
  /** RFC 3463 status such as `5.1.1`, or empty. */
  status: string;
  /** The remote reply, first line, or empty. */
  diagnostic: string;
  /** Three-digit code inside the diagnostic, or 0. */
  code: number;
  remoteMta: string;
};

export type ReportMail =
  | { kind: "dsn"; statuses: DeliveryStatus[]; original: Fields }
  | {
      kind: "complaint";
      /** `abuse`, `fraud`, `virus`, `not-spam`, ... (RFC 5965 7.3). */
      feedbackType: string;
      originalMailFrom: string;
      originalRecipient: string;
      reporter: string;
      original: Fields;
    }
  /** A vacation notice or another automatic answer (RFC 3834): no bounce. */
  | { kind: "auto-reply" }
  | { kind: "other" }
  | { kind: "unreadable"; detail: string };

const ACTIONS = ["failed", "delayed", "delivered", "relayed", "expanded"] as const;

/** Reads what came back to us. Bounded in depth and header size; never throws. */
export async function readReportMail(raw: Uint8Array): Promise<ReportMail> {
  let mail: Email;
  try {
    mail = await PostalMime.parse(raw, {
      forceRfc822Attachments: true,
      attachmentEncoding: "utf8",
      maxNestingDepth: 10,
      maxHeadersSize: 256 * 1024,
    });
  } catch (error) {
    return { kind: "unreadable", detail: error instanceof Error ? error.message : String(error) };
  }
  const part = (...types: string[]) => mail.attachments.find((a) => types.includes(a.mimeType));
  const original = readOriginal(part("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"));

  const feedback = part("message/feedback-report");
  if (feedback) {
    const fields = readBlocks(textOf(feedback))[0] ?? new Map<string, string>();
    return {
      kind: "complaint",
      feedbackType: (fields.get("feedback-type") ?? "abuse").toLowerCase(),
      originalMailFrom: bare(fields.get("original-mail-from") ?? original.get("return-path") ?? ""),
      originalRecipient: bare(fields.get("original-rcpt-to") ?? ""),
      reporter: fields.get("reported-domain") ?? fields.get("source") ?? "",
      original,
    };
  }
  const status = part("message/delivery-status", "message/global-delivery-status");
  if (status) {
    const [, ...recipients] = readBlocks(textOf(status));
    return { kind: "dsn", statuses: recipients.map(readStatus), original };
  }
  const auto = mail.headers.find((header) => header.key === "auto-submitted")?.value.toLowerCase() ?? "no";
  return { kind: auto.startsWith("auto-replied") ? "auto-reply" : "other" };
}

function readStatus(fields: Fields): DeliveryStatus {
  const action = (fields.get("action") ?? "").toLowerCase();
  const diagnostic = typedValue(fields.get("diagnostic-code")).slice(0, 500);
  return {
    recipient: bare(typedValue(fields.get("original-recipient") ?? fields.get("final-recipient"))),
    action: ACTIONS.find((known) => known === action) ?? "unknown",
    status: /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.get("status") ?? "")?.[0] ?? "",
    diagnostic,
    code: Number(/\b[245]\d\d\b/.exec(diagnostic)?.[0] ?? 0),
    remoteMta: typedValue(fields.get("remote-mta")),
  };
}

function readOriginal(part: Attachment | undefined): Fields {
  if (!part) return new Map();
  return readFields(textOf(part).split(/\r?\n\r?\n/, 1)[0]!);
}

function textOf(part: Attachment): string {
  return typeof part.content === "string" ? part.content : new TextDecoder().decode(part.content);
}

function bare(address: string): string {
  return address.replace(/^<|>$/g, "").trim().toLowerCase();
}
