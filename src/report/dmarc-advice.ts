import { memoize, type Resolver } from "../protocol/dns/index.ts";
import { lookupDmarc, parseDmarc, type DmarcPolicy } from "../protocol/dmarc/index.ts";

/** What the DNS says of the policy of one domain. */
export type DmarcSeen = {
  /** Texts at `_dmarc.<domain>`; empty where nothing stands. */
  texts: readonly string[];
  /** Where they stand, when a CNAME led away from `_dmarc.<domain>`. */
  canonical?: string;
  /** What governs a domain without a record of its own: a record further up, and what it asks for below itself. */
  inherited?: { at: string; text: string; wanted: DmarcPolicy };
};

/** What the owner of a domain does so that reports come. `value` is the whole TXT record; it never weakens the policy. */
export type DmarcAdvice =
  /** Nothing governs the domain: a record that only asks for reports. */
  | { status: "new"; value: string }
  /** `value` in place of `present`: the same with our address. */
  | { status: "replace"; present: string; value: string; addresses: number; canonical?: string }
  /** A record further up governs the domain: `value` asks for the same, under the domain's own name. */
  | { status: "inherited"; at: string; present: string; wanted: DmarcPolicy; value: string }
  | { status: "done"; at?: string; present: string }
  /** More than one record, which is the same as none: there is no saying which is meant. */
  | { status: "several"; present: string[] }
  | { status: "broken"; at?: string; present: string; why: string }
  /** The DNS did not say what stands there. */
  | { status: "unknown"; why: string };

const MOST_CHARACTERS = 4_096;

/** The present record of a domain with our address among those for reports, or why there is none to propose. */
export function adviseDmarc(seen: DmarcSeen, address: string): DmarcAdvice {
  const { canonical, inherited } = seen;
  const texts = seen.texts.filter((text) => parseDmarc(text).status !== "not-dmarc");
  if (texts.length > 1) return { status: "several", present: texts };
  const [present] = texts;
  if (present !== undefined) {
    const merged = merge(present, address);
    if (typeof merged !== "string") return merged;
    if (merged === present) return { status: "done", present };
    const { length } = addressesOf(tagOf(merged, "rua"));
    return { status: "replace", present, value: merged, addresses: length, ...(canonical && { canonical }) };
  }
  const meant = seen.texts.find((text) => /dmarc1/i.test(text));
  if (meant !== undefined)
    return { status: "broken", present: meant, why: "it does not begin with v=DMARC1 and a semicolon" };
  if (canonical !== undefined)
    return { status: "broken", present: `CNAME ${canonical}`, why: "no DMARC record stands there" };
  if (!inherited) return { status: "new", value: `v=DMARC1; p=none; rua=mailto:${address}` };
  const merged = merge(inherited.text, address);
  const { at, text, wanted } = inherited;
  if (typeof merged !== "string") return { ...merged, at };
  return merged === text
    ? { status: "done", at, present: text }
    : { status: "inherited", at, present: text, wanted, value: asOwn(merged, wanted) };
}

/** What stands in the DNS for a domain, and what follows. At most thirteen questions; never rejects. */
export async function lookForDmarc(
  domain: string,
  address: string,
  resolver: Resolver,
): Promise<DmarcAdvice> {
  const dns = memoize(resolver);
  const own = await dns.resolve(`_dmarc.${domain}`, "TXT");
  if (own.status === "temperror") return { status: "unknown", why: own.detail };
  const texts = own.status === "ok" ? own.records.map(({ text }) => text) : [];
  const canonical = own.status === "ok" ? own.canonical : undefined;
  const advice = adviseDmarc({ texts, ...(canonical && { canonical }) }, address);
  if (advice.status !== "new") return advice;
  const found = await lookupDmarc(domain, dns);
  if (found.status === "temperror") return { status: "unknown", why: found.detail };
  if (found.status !== "found" || found.at === domain) return advice;
  const { at, text, wanted } = found;
  return adviseDmarc({ texts, inherited: { at, text, wanted } }, address);
}

/** The text with the address, everything else as it stands; the text itself where the address is in it already. */
function merge(text: string, address: string): string | Extract<DmarcAdvice, { status: "broken" }> {
  const broken = (why: string) => ({ status: "broken" as const, present: text, why });
  const parsed = parseDmarc(text);
  if (parsed.status === "syntax") return broken(parsed.detail);
  if (!/^[\x20-\x7e\t]*$/.test(text)) return broken("it has characters that a DMARC record cannot have");
  const present = addressesOf(tagOf(text, "rua"));
  if (present.some((uri) => uri.toLowerCase() === `mailto:${address}`)) return text;
  const rua = [...rawAddressesOf(tagOf(text, "rua")), `mailto:${address}`].join(",");
  const value = has(text, "rua")
    ? replaced(text, "rua", rua)
    : `${text.trim().replace(/[\s;]+$/, "")}; rua=${rua}`;
  return value.length > MOST_CHARACTERS ? broken("with one more address it is too long") : value;
}

/** A record for a domain of its own that asks for what one further up asks of it. */
function asOwn(text: string, wanted: DmarcPolicy): string {
  const kept = text.split(";").filter((part) => part.trim() !== "" && !/^\s*(p|sp|np|psd)\s*=/i.test(part));
  const [version = "v=DMARC1", ...others] = kept.map((part) => part.trim());
  return [version, `p=${wanted}`, ...others].join("; ");
}

const nameOf = (part: string) => part.slice(0, part.indexOf("=")).trim().toLowerCase();
const has = (text: string, tag: string) => text.split(";").some((part) => nameOf(part) === tag);

function tagOf(text: string, tag: string): string {
  const part = text.split(";").find((one) => nameOf(one) === tag) ?? "";
  return part.slice(part.indexOf("=") + 1);
}

function replaced(text: string, tag: string, value: string): string {
  const parts = text.split(";");
  return parts
    .map((part) => (nameOf(part) === tag ? `${part.slice(0, part.indexOf("=") + 1)}${value}` : part))
    .join(";");
}

function rawAddressesOf(value: string): string[] {
  const each = value.split(",").map((uri) => uri.trim());
  return each.filter((uri) => uri !== "");
}

/** Without the limit of size that RFC 7489 allowed after an address. */
const addressesOf = (value: string) => rawAddressesOf(value).map((uri) => uri.replace(/!\d+[kmgt]?$/i, ""));
