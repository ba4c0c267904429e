const LOCAL = String.raw`[^\s<>()"',;:\[\]\\|@]{1,128}`;
const DOMAIN = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}_.-]{0,250}[\p{L}\p{N}])?`;

/** The source of a pattern for one address without brackets. */
export const ADDRESS = `${LOCAL}@${DOMAIN}`;

const LOCAL_LETTER = /[^\s<>()"',;:[\]\\|@]/;
const DOMAIN_BEHIND = new RegExp(`^${DOMAIN}`, "u");
const MOST_SIGNS = 5_000;

/** Addresses in a text, in order, each once; a bounded number. Looks from each `@` outward, so that it stays linear. */
export function addressesIn(text: string, most = 200): string[] {
  const found = new Set<string>();
  let signs = 0;
  for (let at = text.indexOf("@"); at >= 0 && signs < MOST_SIGNS; at = text.indexOf("@", at + 1)) {
    signs++;
    let start = at;
    while (start > 0 && at - start < 128 && LOCAL_LETTER.test(text[start - 1]!)) start--;
    const domain = start < at ? DOMAIN_BEHIND.exec(text.slice(at + 1, at + 256))?.[0] : undefined;
    if (domain === undefined) continue;
    found.add(tidy(`${text.slice(start, at)}@${domain}`));
    if (found.size >= most) break;
  }
  return [...found];
}

/**
 * The address of a field such as `rfc822; <Anna@Example.ORG>` (RFC 3464 2.3.1) or `utf-8; \x{E4}@a.test` (RFC 6533);
 * empty when there is none in it.
 */
export function readAddress(value: string): string {
  const typed = /^\s*([\w-]{1,40})\s*;\s*(.*)$/s.exec(value);
  let text = (typed?.[2] ?? value).trim().slice(0, 1_000);
  if (typed?.[1]?.toLowerCase() === "utf-8")
    text = text.replace(/\\x\{([0-9a-f]{1,6})\}/gi, (_, digits: string) => letter(parseInt(digits, 16)));
  const bracket = /<([^<>]*)>/.exec(text)?.[1];
  const bare = (bracket ?? text).replace(/^mailto:/i, "").trim();
  const quoted = new RegExp(`^("(?:[^"\\\\]|\\\\.){1,100}")@(${DOMAIN})`, "u").exec(bare);
  if (quoted) return `${quoted[1]!}@${quoted[2]!.toLowerCase()}`;
  return addressesIn(bare, 1)[0] ?? "";
}

/** `+2B` and the like of RFC 3461's xtext, which some servers hand on as it came. */
export function fromXtext(value: string): string {
  return value.replace(/\+(2B|3D|40|20)(?=[^@]*@|[^@]*$)/g, (_, digits: string) =>
    letter(parseInt(digits, 16)),
  );
}

function letter(code: number): string {
  return code > 31 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    ? String.fromCodePoint(code)
    : "";
}

/** Without the marks that a sentence puts round it, the domain in lower case. */
function tidy(address: string): string {
  const at = address.lastIndexOf("@");
  const local = address.slice(0, at).replace(/^(?:mailto:|rfc822;|smtp:|[`“”«»'*=&]+)+/i, "");
  return `${local}@${address
    .slice(at + 1)
    .toLowerCase()
    .replace(/\.+$/, "")}`;
}

export const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);
