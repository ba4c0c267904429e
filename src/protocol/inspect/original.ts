import { readHeader, type Mail } from "../mime/index.ts";
import { addressesIn } from "./address.ts";
import type { Inspection } from "./types.ts";

const TYPES = new Set([
  "message/rfc822",
  "message/global",
  "text/rfc822-headers",
  "message/rfc822-headers",
  "message/global-headers",
  "text/rfc822",
  "message/partial",
]);
const RETURN_PATHS = [
  "return-path",
  "x-envelope-from",
  "envelope-from",
  "errors-to",
  "x-original-from",
  "sender",
];
/** Fields of the bounce itself that say to whom it came. */
const ENVELOPE = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to"];
const MOST_FIELDS = 200;

/** What a report quotes of the mail that it is about; `quoted`: from the text, where no part has it. */
export function readOriginal(mail: Mail, quoted: string): NonNullable<Inspection["original"]> {
  const part = mail.parts.find(({ type }) => TYPES.has(type));
  const octets = part?.content ?? headerWithin(quoted);
  const original: Record<string, string> = {};
  let fields = 0;
  for (const { name, value } of readHeader(octets).headers) {
    if (Object.hasOwn(original, name) || fields++ >= MOST_FIELDS) continue;
    Object.defineProperty(original, name, { value, enumerable: true, configurable: true, writable: true });
  }
  const said = [
    ...RETURN_PATHS.map((name) => original[name] ?? ""),
    ...mail.headers.filter(({ name }) => ENVELOPE.includes(name)).map(({ value }) => value.slice(0, 2_000)),
  ];
  return {
    messageId: (original["message-id"] ?? "").trim(),
    feedbackId: (original["feedback-id"] ?? "").trim(),
    returnPaths: addressesIn(said.join("\n"), 50),
    original,
  };
}

/** From the first line that looks like a field. */
function headerWithin(quoted: string): Uint8Array {
  const at =
    /^(?:return-path|received|from|to|date|subject|message-id|mime-version|dkim-signature|x-[\w-]{1,60}): ?\S/im.exec(
      quoted,
    );
  return Buffer.from(at ? quoted.slice(at.index, at.index + 256 * 1024) : "", "utf8");
}
