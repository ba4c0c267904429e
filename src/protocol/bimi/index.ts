import { parseTags } from "../dns/index.ts";

export type BimiRecord =
  /** `logo` empty: the owner declines. `evidence`: where a mark certificate stands. */
  | { status: "record"; logo: string; evidence: string }
  | { status: "not-bimi" }
  | { status: "syntax"; detail: string };

/** Parses the TXT record at `default._bimi.<domain>` (draft-brand-indicators-for-message-identification). */
export function parseBimi(text: string): BimiRecord {
  if (!/^v=BIMI1\s*;/.test(text)) return { status: "not-bimi" };
  const tags = parseTags(text);
  if (typeof tags === "string") return { status: "syntax", detail: tags };
  const [logo, evidence] = [tags.get("l"), tags.get("a") ?? ""];
  if (logo === undefined) return { status: "syntax", detail: "there is no l= tag" };
  const https = [logo, evidence].every((uri) => uri === "" || /^https:\/\/[^\s,]+$/i.test(uri));
  return https
    ? { status: "record", logo, evidence }
    : { status: "syntax", detail: "l= and a= must be https: addresses" };
}
