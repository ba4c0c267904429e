/** One block of `Name: value` fields, names in lower case, folded lines joined. The first value of a name wins. */
export type Fields = Map<string, string>;

const MOST_BLOCKS = 200;

/** Splits a `message/delivery-status` or `message/feedback-report` body into its blocks (RFC 3464 2.1, RFC 5965 3). */
export function readBlocks(text: string): Fields[] {
  const blocks: Fields[] = [];
  for (const block of text.replace(/\r\n?/g, "\n").split(/\n[ \t]*\n/, MOST_BLOCKS)) {
    const fields = readFields(block);
    if (fields.size > 0) blocks.push(fields);
  }
  return blocks;
}

export function readFields(text: string): Fields {
  const fields: Fields = new Map();
  for (const line of text
    .replace(/\r\n?/g, "\n")
    .replace(/\n[ \t]+/g, " ")
    .split("\n")) {
    const match = /^([!-9;-~]{1,80}):[ \t]*(.*)$/.exec(line);
    if (!match) continue;
    const name = match[1]!.toLowerCase();
    if (!fields.has(name)) fields.set(name, match[2]!.trim());
  }
  return fields;
}

/** The part behind `rfc822;` or `smtp;`. */
export function typedValue(value: string | undefined): string {
  return (value ?? "").replace(/^[a-z0-9-]+\s*;\s*/i, "").trim();
}
