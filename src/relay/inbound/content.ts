import { parseHeader } from "../../protocol/dkim/index.ts";

/** Why the content of a mail is refused at the end of DATA. */
export type ContentFault = { code: 550 | 554; enhanced: string; text: string };

const MAX_HEAD = 256 * 1024;
/** With more, what looks at headers is held up; real headers have a few hundred at most. */
const MAX_LINES = 2_000;
const MAX_HOPS = 30;

/**
 * A dot between line ends of which one is no CRLF: another server may take it for the end of the message, and what
 * follows for commands (SMTP smuggling). A line end without CR elsewhere is only bad style, and reports have it.
 */
const SMUGGLED = /(?:^|[^\r])\n\.(?:\r\n|\n|\r)|\r\n\.(?:\n|\r(?!\n))|\r(?!\n)\.(?:\r|\n)/;

/** Judges content as it came, after dots were taken out. Pure. */
export function faultOfContent(raw: Uint8Array): ContentFault | undefined {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1");
  if (text.includes("\0")) return fault(550, "5.6.0", "it contains a NUL octet");
  if (SMUGGLED.test(text))
    return fault(550, "5.6.0", "a lone dot stands between line ends that are not CRLF");
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  if (end > MAX_HEAD) return fault(550, "5.6.0", `its header is larger than ${MAX_HEAD} octets`);
  if (text.slice(0, end).split("\n", MAX_LINES + 1).length > MAX_LINES)
    return fault(550, "5.6.0", `its header has more than ${MAX_LINES} lines`);
  return hopsOf(text.slice(0, end)) > MAX_HOPS
    ? fault(554, "5.4.6", "it passed too many hosts, this is a loop")
    : undefined;
}

/** `Received` fields of a header block. */
function hopsOf(head: string): number {
  const fields = parseHeader(head.replace(/\r?\n/g, "\r\n"));
  return fields.filter(({ name }) => name === "received").length;
}

const fault = (code: 550 | 554, enhanced: string, what: string): ContentFault => ({
  code,
  enhanced,
  text: `Message refused: ${what}`,
});
