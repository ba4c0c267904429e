/** One term of an SPF record (RFC 7208 section 4.6.1). `value` keeps its macros. */
export type SpfTerm =
  | { kind: "mechanism"; qualifier: "+" | "-" | "~" | "?"; name: SpfMechanism; value: string }
  | { kind: "modifier"; name: string; value: string };

const MECHANISMS = ["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"] as const;
type SpfMechanism = (typeof MECHANISMS)[number];

type SpfParse = { status: "record"; terms: SpfTerm[] } | { status: "syntax"; detail: string };

const MAX_RECORD = 4096;

/** RFC 7208 section 4.5: the version is followed by a space or the end. */
export function isSpf(text: string): boolean {
  return /^v=spf1( |$)/i.test(text);
}

export function parseSpf(text: string): SpfParse {
  if (text.length > MAX_RECORD) return { status: "syntax", detail: "the record is too long" };
  const terms: SpfTerm[] = [];
  const modifiers = new Set<string>();
  for (const word of text.split(" ").slice(1)) {
    if (word === "") continue;
    const modifier = /^([a-z][a-z0-9\-_.]*)=(.*)$/i.exec(word);
    if (modifier) {
      const name = modifier[1]!.toLowerCase();
      if ((name === "redirect" || name === "exp") && (modifiers.has(name) || modifier[2] === "")) {
        return { status: "syntax", detail: `${name}= must appear once, with a domain` };
      }
      modifiers.add(name);
      terms.push({ kind: "modifier", name, value: modifier[2]! });
      continue;
    }
    const mechanism = /^([+\-~?]?)([a-z0-9]+)(?:[:/](.*))?$/i.exec(word);
    const name = MECHANISMS.find((m) => m === mechanism?.[2]?.toLowerCase());
    if (!mechanism || !name) return { status: "syntax", detail: `unknown term "${word.slice(0, 60)}"` };
    const value = valueOf(word);
    if (!fits(name, value)) return { status: "syntax", detail: `"${word.slice(0, 60)}" is not complete` };
    terms.push({ kind: "mechanism", qualifier: qualifier(mechanism[1]!), name, value });
  }
  return { status: "record", terms };
}

/** What follows the mechanism's name: the domain or address after `:`, or the prefix length with its `/`. */
function valueOf(word: string): string {
  const at = word.search(/[:/]/);
  if (at < 0) return "";
  return word[at] === ":" ? word.slice(at + 1) : word.slice(at);
}

function qualifier(sign: string): "+" | "-" | "~" | "?" {
  return sign === "-" || sign === "~" || sign === "?" ? sign : "+";
}

function fits(name: SpfMechanism, value: string): boolean {
  if (name === "all") return value === "";
  if (name === "include" || name === "exists") return value !== "" && !value.startsWith("/");
  if (name === "ip4") return /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?$/.test(value);
  if (name === "ip6") return /^[0-9a-f:.]+(\/\d{1,3})?$/i.test(value) && value.includes(":");
  return true;
}
