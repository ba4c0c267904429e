import { parseTags } from "../dns/index.ts";

export type TlsRptRecord =
  | { status: "record"; rua: string[] }
  | { status: "not-tls-rpt" }
  | { status: "syntax"; detail: string };

const VERSION = /^v=TLSRPTv1\s*;/;
const MAILTO = /^mailto:([^@\s?]+@[a-z0-9._-]+)$/i;
const HTTPS = /^https:\/\/[^\s]+$/i;

/** Parses the TXT record at `_smtp._tls.<domain>` (RFC 8460 section 3). */
export function parseTlsRpt(text: string): TlsRptRecord {
  if (!VERSION.test(text)) return { status: "not-tls-rpt" };
  const tags = parseTags(text);
  if (typeof tags === "string") return { status: "syntax", detail: tags };
  const rua = addressesOf(tags.get("rua"));
  const wrong = rua.find((uri) => !MAILTO.test(uri) && !HTTPS.test(uri));
  return wrong === undefined
    ? { status: "record", rua }
    : { status: "syntax", detail: "rua= must hold mailto: or https: addresses" };
}

const addressesOf = (rua = "") => rua.split(",").map((uri) => uri.trim());

/** Where reports about a domain are wanted: URLs, and mail addresses. */
export type Destinations = { https: string[]; mailto: string[] };

/** However many a record names. */
const MAX_DESTINATIONS = 5;
const MAX_URI = 1_000;
/** What an address has decoded only to put something else in. */
const ODD = /[\p{Cc}\s<>]|@.*@/u;

/**
 * What the TXT records at `_smtp._tls.<domain>` ask for, to be followed and not to be judged: of several addresses those that
 * a sender can use count (RFC 8460 section 3). Undefined: no report is wanted, as where two records say different things.
 */
export function destinationsOf(texts: readonly string[]): Destinations | undefined {
  const records = texts.filter((text) => VERSION.test(text));
  if (records.length !== 1) return undefined;
  const tags = parseTags(records[0]!);
  if (typeof tags === "string") return undefined;
  const found: Destinations = { https: [], mailto: [] };
  const uris = [...new Set(addressesOf(tags.get("rua")))].slice(0, MAX_DESTINATIONS);
  for (const uri of uris) {
    if (uri.length > MAX_URI) continue;
    const address = MAILTO.exec(uri)?.[1];
    if (address !== undefined) {
      const plain = decoded(address);
      if (!ODD.test(plain)) found.mailto.push(plain);
    } else if (HTTPS.test(uri) && URL.canParse(uri)) {
      const { href, username, password } = new URL(uri);
      if (!username && !password) found.https.push(href);
    }
  }
  return found.https.length + found.mailto.length > 0 ? found : undefined;
}

/** `,`, `;` and `!` are percent-encoded in a record. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
