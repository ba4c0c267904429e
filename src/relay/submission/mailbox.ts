import { domainToASCII, domainToUnicode } from "node:url";

const ATEXT = "\\w!#$%&'*+/=?^`{|}~.\\-";
const patterns = (local: string) => ({
  named: new RegExp(`^[^<>@,;:[\\]]*<${local}@([^<>@\\s]+)>\\s*$`, "u"),
  bare: new RegExp(`^\\s*${local}@([^<>@\\s]+)\\s*$`, "u"),
});
const ASCII = patterns(`[${ATEXT}]+`);
/** RFC 6532 lets everything over U+007F in; here it is what writes words. */
const UTF8 = patterns(`[${ATEXT}\\p{L}\\p{M}\\p{N}]+`);
const MAX_VALUE = 1_000;

/**
 * The domain, lower case and in A-labels, of a field that holds exactly one mailbox (RFC 5322 section 3.4, RFC 6532),
 * or undefined. Stricter than parsers in mail clients: what two of them could read as two different senders is none.
 */
export function domainOfMailbox(value: string): string | undefined {
  if (value.length > MAX_VALUE) return undefined;
  const ascii = !/\P{ASCII}/u.test(value);
  if (!ascii && !isPlainText(value)) return undefined;
  const bare = outline(value);
  const { named, bare: alone } = ascii ? ASCII : UTF8;
  const domain = bare && (named.exec(bare) ?? alone.exec(bare))?.[1]?.toLowerCase();
  if (!domain) return undefined;
  if (!/\P{ASCII}/u.test(domain)) return isHostName(domain) ? domain : undefined;
  // Only the form that IDNA gives: another one would be mapped by one program and not by the next.
  const labels = domainToASCII(domain);
  return isHostName(labels) && domainToUnicode(labels) === domain ? labels : undefined;
}

/**
 * Text that is seen as it is: nothing invisible or turning direction, nothing that a program which normalises (NFKC)
 * would take for one of the characters that addresses are made with, such as a wide `＠` or `＜`.
 */
function isPlainText(value: string): boolean {
  if (value !== value.normalize("NFC")) return false;
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(value.replaceAll("\t", " "))) return false;
  return [...value].every((char) => char <= "~" || !/[<>@,;:"()[\]\\]/.test(char.normalize("NFKC")));
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
      // Readers of mail take the end of the inner comment for that of the outer one.
      if (++depth > 1) return undefined;
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

/** A name in the DNS: no top-level domain is a number (RFC 3696 section 2), and some programs take one for an address. */
export function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    name.includes(".") &&
    !/\.\d+$/.test(name) &&
    name.split(".").every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))
  );
}
