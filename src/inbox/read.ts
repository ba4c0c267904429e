import { headerOf, readMail } from "../protocol/mime/index.ts";
import type { EntryDetail, EntryView } from "./types.ts";

const MAX_TEXT = 65_536;
const MAX_LINE = 300;
const MAX_ATTACHMENTS = 50;

type Shown = Pick<EntryView, "from" | "subject"> &
  Pick<EntryDetail, "text" | "attachments" | "replyTo" | "messageId" | "date">;

/** What of a mail a person reads, as plain text. What cannot be read is left out; never rejects. */
export async function readForPeople(raw: Uint8Array): Promise<Shown> {
  const mail = await readMail(raw);
  const field = (name: string) => line(headerOf(mail, name));
  const from = field("from");
  return {
    from,
    subject: field("subject"),
    text: visible(mail.text).slice(0, MAX_TEXT),
    attachments: mail.parts
      .filter(({ filename, type }) => filename !== "" || !type.startsWith("text/"))
      .slice(0, MAX_ATTACHMENTS)
      .map(({ filename, type, content }) => ({
        name: line(filename),
        type: line(type),
        size: content.length,
      })),
    replyTo: addressIn(field("reply-to") || from),
    messageId: field("message-id"),
    date: field("date"),
  };
}

/** The one address of a field; null when there is none, several, or one that a link could not carry safely. */
function addressIn(text: string): string | null {
  const [, angled] = /^[^<>]*<([^<>]*)>$/.exec(text) ?? [];
  const address = angled ?? text;
  return /^[^\s@<>"(),;:]{1,64}@[^\s@<>"(),;:]{1,255}$/.test(address) ? address : null;
}

/** Without what is not seen or turns the line; line ends are LF. */
function visible(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[^\P{C}\n\t]|\p{Bidi_Control}/gu, "");
}

/** One line of at most 300 characters, without what is not seen or turns the line. */
export function line(text: string): string {
  return visible(text).replace(/\s+/g, " ").trim().slice(0, MAX_LINE);
}
