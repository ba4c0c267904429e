/** One block of `Name: value` fields, names in lower case, folded lines joined. The first value of a name wins. */
export type Fields = Map<string, string>;

const MOST_BLOCKS = 500;
const ABOUT_RECIPIENT = new Set([
  "final-recipient",
  "original-recipient",
  "x-actual-recipient",
  "action",
  "status",
]);

/**
 * Splits a `message/delivery-status` body into its blocks (RFC 3464 2.1). A field of a recipient that comes again
 * begins a block too, for some servers leave out the empty line.
 */
export function readBlocks(text: string): Fields[] {
  const blocks: Fields[] = [];
  let fields: Fields = new Map();
  let last = "";
  const next = () => {
    if (fields.size > 0) blocks.push(fields);
    fields = new Map();
    last = "";
  };
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (blocks.length >= MOST_BLOCKS) break;
    if (line.trim() === "") {
      next();
      continue;
    }
    if (/^[ \t]/.test(line)) {
      if (last !== "") fields.set(last, `${fields.get(last)!} ${line.trim()}`.slice(0, 8_000));
      continue;
    }
    const match = /^([!-9;-~]{1,80}):[ \t]*(.*)$/.exec(line);
    if (!match) {
      // A diagnostic that was folded without its white space.
      if (last === "diagnostic-code") fields.set(last, `${fields.get(last)!} ${line.trim()}`.slice(0, 8_000));
      continue;
    }
    const name = match[1]!.toLowerCase();
    if (name === "final-recipient" && fields.has(name) && ABOUT_RECIPIENT.has(name)) next();
    last = fields.has(name) ? "" : name;
    if (last !== "") fields.set(name, match[2]!.trim().slice(0, 8_000));
  }
  next();
  return blocks;
}

/** The part behind `dns;` or `smtp;`. */
export function typedValue(value: string | undefined): string {
  return (value ?? "").replace(/^[\w.-]{1,40}\s*;\s*/, "").trim();
}
