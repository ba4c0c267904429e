/** One header field as it stands in the message: `raw` with its folding, without the final CRLF. */
export type HeaderField = { name: string; raw: string };

/**
 * The fields of a header block, top to bottom. The block is in latin1 (a byte a character), so that whatever it
 * holds is signed as it is. Stops at the empty line. Names are lower case; a line without a colon has name "".
 */
export function parseHeader(block: string): HeaderField[] {
  const fields: HeaderField[] = [];
  let start = 0;
  while (start < block.length) {
    let end = block.indexOf("\r\n", start);
    if (end < 0) end = block.length;
    const line = block.slice(start, end);
    if (line === "") break;
    const last = fields.at(-1);
    if (last && (line[0] === " " || line[0] === "\t")) last.raw += "\r\n" + line;
    else fields.push({ name: nameOf(line), raw: line });
    start = end + 2;
  }
  return fields;
}

function nameOf(line: string): string {
  const colon = line.indexOf(":");
  return colon < 1 ? "" : line.slice(0, colon).trimEnd().toLowerCase();
}

/** The value of a field, unfolded and trimmed. */
export function valueOf(field: HeaderField): string {
  return field.raw
    .slice(field.raw.indexOf(":") + 1)
    .replace(/\r\n/g, "")
    .trim();
}

/** Relaxed canonical form of one field, without CRLF (RFC 6376 section 3.4.2). */
export function relaxField(raw: string): string {
  const colon = raw.indexOf(":");
  const name = raw.slice(0, colon).trimEnd().toLowerCase();
  const value = raw
    .slice(colon + 1)
    .replace(/\r\n/g, "")
    .replace(/[ \t]+/g, " ")
    .replace(/^ | $/g, "");
  return `${name}:${value}`;
}
