import type { DnsFault, Resolver } from "../dns/index.ts";
import { evaluateSpf } from "./evaluate.ts";
import { isSpf, parseSpf, type SpfTerm } from "./parse.ts";

export type SpfLookup =
  | { status: "found"; text: string; terms: SpfTerm[] }
  | { status: "none"; absent: "nxdomain" | "nodata" }
  | { status: "multiple"; texts: string[] }
  | { status: "syntax"; text: string; detail: string }
  | SpfSilence;

/** The DNS gave no answer about `name`. */
export type SpfSilence = { status: "temperror"; name: string; detail: string; kind?: DnsFault };

/** The SPF record of a domain (RFC 7208 sections 4.4 and 4.5). */
export async function lookupSpf(domain: string, resolver: Resolver): Promise<SpfLookup> {
  const answer = await resolver.resolve(domain, "TXT");
  if (answer.status === "temperror") return { ...answer, name: domain };
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text).filter(isSpf) : [];
  const text = texts[0];
  if (text === undefined)
    return { status: "none", absent: answer.status === "nxdomain" ? "nxdomain" : "nodata" };
  if (texts.length > 1) return { status: "multiple", texts };
  const parsed = parseSpf(text);
  if (parsed.status === "syntax") return { status: "syntax", text, detail: parsed.detail };
  const fault = await faultOf(text);
  return fault === undefined
    ? { status: "found", text, terms: parsed.terms }
    : { status: "syntax", text, detail: fault };
}

/**
 * What the evaluator's grammar (RFC 7208 section 12) finds wrong. It reads the whole record before it judges, so a
 * first term that matches keeps the DNS out of it.
 */
async function faultOf(text: string): Promise<string | undefined> {
  const record = text.replace(/^v=spf1/i, "v=spf1 ip4:192.0.2.1");
  const alone: Resolver = {
    resolve: async () => ({
      status: "ok",
      authentic: false,
      records: [{ text: record, ttl: 0 }] as never,
    }),
  };
  const { result, detail } = await evaluateSpf(
    { ip: "192.0.2.1", mailFrom: "postmaster@record.invalid", helo: "record.invalid" },
    alone,
  );
  return result === "pass" ? undefined : detail || "it does not follow the grammar";
}
