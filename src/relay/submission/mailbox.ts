const LOCAL = "[\\w!#$%&'*+/=?^`{|}~.-]+";
const NAMED = new RegExp(`^[^<>@,;:[\\]]*<${LOCAL}@([^<>@\\s]+)>\\s*$`);
const BARE = new RegExp(`^\\s*${LOCAL}@([^<>@\\s]+)\\s*$`);
const MAX_VALUE = 1_000;

/**
 * The domain, lower case, of a field that holds exactly one mailbox (RFC 5322 section 3.4), or undefined. Stricter than
 * parsers in mail clients: what two of them could read as two different senders is none.
 */
export function domainOfMailbox(value: string): string | undefined {
  if (value.length > MAX_VALUE) return undefined;
  const bare = outline(value);
  const domain = bare && (NAMED.exec(bare) ?? BARE.exec(bare))?.[1]?.toLowerCase();
  return domain && isHostName(domain) ? domain : undefined;
}

/**
 * The value with `"` for each quoted string and a space for each comment, read once from left to right: a quote inside
 * a comment opens nothing, and neither does a parenthesis inside a quoted string. Undefined when one of them does not
 * end, when a quoted-pair stands outside, and when a comment holds what a simpler parser takes for an address.
 */
function outline(value: string): string | undefined {
  let out = "";
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!;
    if (char < " " && char !== "\t") return undefined;
    if (char === "\\") {
      if (!quoted || ++i >= value.length) return undefined;
    } else if (quoted) {
      quoted = char !== '"';
    } else if (char === "(") {
      depth++;
    } else if (char === ")") {
      if (--depth < 0) return undefined;
      out += " ";
    } else if (depth > 0) {
      if ('"<>@'.includes(char)) return undefined;
    } else {
      quoted = char === '"';
      out += char;
    }
  }
  return quoted || depth > 0 ? undefined : out;
}

export function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    name.includes(".") &&
    name.split(".").every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))
  );
}
