import type { Resolver } from "../dns/index.ts";

const DMARC_POLICIES = ["none", "quarantine", "reject"] as const;
type DmarcPolicy = (typeof DMARC_POLICIES)[number];

/** A DMARC policy record (RFC 7489 section 6.3), with the defaults filled in. */
type DmarcRecord = {
  p: DmarcPolicy;
  /** For subdomains; `p` where the record has none. */
  sp: DmarcPolicy;
  adkim: "r" | "s";
  aspf: "r" | "s";
  rua: string[];
};

export type DmarcParse =
  | { status: "record"; record: DmarcRecord }
  | { status: "not-dmarc" }
  | { status: "syntax"; detail: string };

const MAX_RECORD = 4096;

/** Parses one TXT record. `not-dmarc` when it does not begin with `v=DMARC1`: such records are passed over. */
export function parseDmarc(text: string): DmarcParse {
  if (!/^v\s*=\s*DMARC1\s*(;|$)/.test(text.trim())) return { status: "not-dmarc" };
  if (text.length > MAX_RECORD) return { status: "syntax", detail: "the record is too long" };
  const tags = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    if (at < 0) return { status: "syntax", detail: `"${part.trim().slice(0, 40)}" is not tag=value` };
    const name = part.slice(0, at).trim().toLowerCase();
    if (tags.has(name)) return { status: "syntax", detail: `tag ${name} appears twice` };
    tags.set(name, part.slice(at + 1).trim());
  }
  const p = policy(tags.get("p"));
  const sp = tags.has("sp") ? policy(tags.get("sp")) : p;
  if (!p) return { status: "syntax", detail: "p= must be none, quarantine or reject" };
  if (!sp) return { status: "syntax", detail: "sp= must be none, quarantine or reject" };
  const adkim = alignment(tags.get("adkim"));
  const aspf = alignment(tags.get("aspf"));
  if (!adkim || !aspf) return { status: "syntax", detail: "adkim= and aspf= must be r or s" };
  const rua = (tags.get("rua") ?? "").split(",").map((uri) => uri.trim());
  return { status: "record", record: { p, sp, adkim, aspf, rua: rua.filter((uri) => uri !== "") } };
}

export type DmarcLookup =
  /** `policy` is the one that applies to the domain asked for; `at` is where the record stands. */
  | { status: "found"; at: string; text: string; record: DmarcRecord; policy: DmarcPolicy }
  | { status: "syntax"; at: string; text: string; detail: string }
  | { status: "multiple"; at: string; texts: string[] }
  | { status: "none" }
  | { status: "temperror"; detail: string };

const MAX_QUERIES = 8;

/**
 * The record that governs `domain`: its own, or that of the nearest parent which has one (the tree walk that
 * replaces the public suffix list of RFC 7489 section 3.2), with at most eight queries.
 */
export async function lookupDmarc(domain: string, resolver: Resolver): Promise<DmarcLookup> {
  const labels = domain.split(".");
  const parents = labels.slice(1).map((_, i) => labels.slice(i + 1).join("."));
  const names = [domain, ...parents.slice(-(MAX_QUERIES - 1))];
  for (const name of names) {
    const answer = await resolver.resolve(`_dmarc.${name}`, "TXT");
    if (answer.status === "temperror") return answer;
    const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
    const candidates = texts.filter((text) => parseDmarc(text).status !== "not-dmarc");
    const text = candidates[0];
    if (text === undefined) continue;
    if (candidates.length > 1) return { status: "multiple", at: name, texts: candidates };
    const parsed = parseDmarc(text);
    if (parsed.status === "syntax") return { status: "syntax", at: name, text, detail: parsed.detail };
    if (parsed.status === "record") {
      const policy = name === domain ? parsed.record.p : parsed.record.sp;
      return { status: "found", at: name, text, record: parsed.record, policy };
    }
  }
  return { status: "none" };
}

function policy(value: string | undefined): DmarcPolicy | undefined {
  return DMARC_POLICIES.find((p) => p === value?.toLowerCase());
}

function alignment(value: string | undefined): "r" | "s" | undefined {
  const mode = value?.toLowerCase() ?? "r";
  return mode === "r" || mode === "s" ? mode : undefined;
}
