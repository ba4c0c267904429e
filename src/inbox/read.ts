import PostalMime from "postal-mime";
import type { EntryDetail, EntryView } from "./types.ts";

const MAX_TEXT = 65_536;
const MAX_LINE = 300;
const MAX_ATTACHMENTS = 50;

type Shown = Pick<EntryView, "from" | "subject"> &
  Pick<EntryDetail, "text" | "attachments" | "replyTo" | "messageId" | "date">;

const NOTHING: Shown = {
  from: "",
  subject: "",
  text: "",
  attachments: [],
  replyTo: null,
  messageId: "",
  date: "",
};

/** What of a mail a person reads, as plain text. What cannot be read is left out; never rejects. */
export async function readForPeople(raw: Uint8Array): Promise<Shown> {
  try {
    const mail = await new PostalMime({ maxNestingDepth: 20, maxHeadersSize: 256 * 1024 }).parse(raw);
    const address = line(mail.replyTo?.[0]?.address ?? mail.from?.address ?? "");
    const { name = "", address: from = "" } = mail.from ?? {};
    return {
      from: line(name ? `${name} <${from}>` : from),
      subject: line(mail.subject ?? ""),
      text: visible(mail.text ?? textOfHtml(mail.html ?? "")).slice(0, MAX_TEXT),
      attachments: mail.attachments.slice(0, MAX_ATTACHMENTS).map(({ filename, mimeType, content }) => ({
        name: line(filename ?? ""),
        type: line(mimeType),
        size: typeof content === "string" ? content.length : content.byteLength,
      })),
      replyTo: /^[^\s@<>"(),;:]{1,64}@[^\s@<>"(),;:]{1,255}$/.test(address) ? address : null,
      messageId: line(mail.messageId ?? ""),
      date: line(mail.date ?? ""),
    };
  } catch {
    return NOTHING;
  }
}

/** Without what is not seen or turns the line; line ends are LF. */
function visible(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[^\P{C}\n\t]|\p{Bidi_Control}/gu, "");
}

function line(text: string): string {
  return visible(text).replace(/\s+/g, " ").trim().slice(0, MAX_LINE);
}

/** Rough, and enough to know what is wanted: the page never shows HTML of others. */
function textOfHtml(html: string): string {
  return html
    .slice(0, 4 * MAX_TEXT)
    .replace(/<(style|script|head|title)\b[^>]*>[^]*?<\/\1\s*>/gi, " ")
    .replace(/<(?:br|\/p|\/div|\/tr|\/li|\/h[1-6])\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, " ")
    .replace(/&nbsp;/gi, " ")
    .replace(/&lt;/gi, "<")
    .replace(/&gt;/gi, ">")
    .replace(/&quot;/gi, '"')
    .replace(/&amp;/gi, "&")
    .replace(/[ \t]+/g, " ")
    .replace(/\n\s*\n\s*/g, "\n\n")
    .trim();
}
