import { parseTags } from "../dns/index.ts";

export type TlsRptRecord =
  | { status: "record"; rua: string[] }
  | { status: "not-tls-rpt" }
  | { status: "syntax"; detail: string };

/** Parses the TXT record at `_smtp._tls.<domain>` (RFC 8460 section 3). */
export function parseTlsRpt(text: string): TlsRptRecord {
  if (!/^v=TLSRPTv1\s*;/.test(text)) return { status: "not-tls-rpt" };
  const tags = parseTags(text);
  if (typeof tags === "string") return { status: "syntax", detail: tags };
  const rua = (tags.get("rua") ?? "").split(",").map((uri) => uri.trim());
  const wrong = rua.find((uri) => !/^(mailto:[^@\s]+@[a-z0-9._-]+|https:\/\/[^\s]+)$/i.test(uri));
  return wrong === undefined
    ? { status: "record", rua }
    : { status: "syntax", detail: "rua= must hold mailto: or https: addresses" };
}
