import type { DnsFault, Resolver } from "../dns/index.ts";
import { parseDmarc, relaxed, type DmarcPolicy, type DmarcRecord } from "./record.ts";

export type DmarcLookup =
  | DmarcFound
  /** At the domain itself; further up, receivers pass over what they cannot read. */
  | { status: "syntax"; at: string; text: string; detail: string }
  | { status: "multiple"; at: string; texts: string[] }
  | { status: "none" }
  | DmarcSilence;

/** `name` is where the DNS gave no answer. */
export type DmarcSilence = { status: "temperror"; name: string; detail: string; kind?: DnsFault };

export type DmarcFound = {
  status: "found";
  /** Where the record stands. */
  at: string;
  text: string;
  record: DmarcRecord;
  /** Which tag speaks for the domain asked for. */
  tag: "p" | "sp" | "np";
  /** What that tag asks for. */
  wanted: DmarcPolicy;
  /** What receivers apply: one step less while the owner tests. */
  policy: DmarcPolicy;
};

/** RFC 9989 section 4.10: a name of more labels is cut to its last seven after the first query. */
const MAX_QUERIES = 8;

type Seen = { at: string; text: string; record: DmarcRecord };
type Node = { status: "record"; seen: Seen } | Exclude<DmarcLookup, DmarcFound>;

/**
 * The record that governs `domain` (RFC 9989 section 4.10.1): its own, or else that of its organisational domain, or
 * else that of a public suffix above it. At most eight queries for the walk, and three to see whether the domain
 * exists, where the answer depends on it.
 */
export async function lookupDmarc(domain: string, resolver: Resolver): Promise<DmarcLookup> {
  const own = await look(domain, resolver);
  if (own.status === "temperror" || own.status === "syntax" || own.status === "multiple") return own;
  if (own.status === "record") return found(own.seen, "p");
  const walked = await walk(domain, resolver);
  if ("status" in walked) return walked;
  const organisation = organisationOf(domain, walked);
  const seen =
    walked.find(({ at }) => at === organisation) ?? walked.find(({ record }) => record.psd === "y");
  if (!seen) return { status: "none" };
  if (seen.record.np === seen.record.sp) return found(seen, "sp");
  const existence = await exists(domain, resolver);
  if (typeof existence !== "boolean") return existence;
  return found(seen, existence ? "sp" : "np");
}

/** The organisational domain (RFC 9989 section 4.10.2), by the same walk. */
export async function organizationalDomain(
  domain: string,
  resolver: Resolver,
): Promise<string | DmarcSilence> {
  const walked = await walk(domain, resolver);
  return "status" in walked ? walked : organisationOf(domain, walked);
}

/** The records from `domain` upwards, the nearest first; it ends at one that says what it is (`psd`). */
async function walk(domain: string, resolver: Resolver): Promise<Seen[] | DmarcSilence> {
  const labels = domain.split(".");
  const parents = labels.slice(1).map((_, i) => labels.slice(i + 1).join("."));
  const seen: Seen[] = [];
  for (const name of [domain, ...parents.slice(-(MAX_QUERIES - 1))]) {
    const node = await look(name, resolver);
    if (node.status === "temperror") return node;
    if (node.status !== "record") continue;
    seen.push(node.seen);
    if (node.seen.record.psd === "n" || (node.seen.record.psd === "y" && name !== domain)) break;
  }
  return seen;
}

function organisationOf(domain: string, walked: Seen[]): string {
  const last = walked.at(-1);
  if (!last) return domain;
  if (last.record.psd === "n") return last.at;
  if (last.record.psd === "y" && last.at !== domain) return childOf(last.at, domain);
  return last.at;
}

/** The name one label below `parent` on the way to `domain`. */
function childOf(parent: string, domain: string): string {
  return domain
    .split(".")
    .slice(-(parent.split(".").length + 1))
    .join(".");
}

async function look(name: string, resolver: Resolver): Promise<Node> {
  const answer = await resolver.resolve(`_dmarc.${name}`, "TXT");
  if (answer.status === "temperror") return { ...answer, name: `_dmarc.${name}` };
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text) : [];
  const candidates = texts.filter((text) => parseDmarc(text).status !== "not-dmarc");
  const text = candidates[0];
  if (text === undefined) return { status: "none" };
  if (candidates.length > 1) return { status: "multiple", at: name, texts: candidates };
  const parsed = parseDmarc(text);
  if (parsed.status === "record")
    return { status: "record", seen: { at: name, text, record: parsed.record } };
  return parsed.status === "syntax"
    ? { status: "syntax", at: name, text, detail: parsed.detail }
    : { status: "none" };
}

function found({ at, text, record }: Seen, tag: "p" | "sp" | "np"): DmarcFound {
  const wanted = record[tag];
  return {
    status: "found",
    at,
    text,
    record,
    tag,
    wanted,
    policy: record.testing ? relaxed(wanted) : wanted,
  };
}

/** RFC 9989 section 3.2.13: a domain without MX, A and AAAA does not exist. */
async function exists(domain: string, resolver: Resolver): Promise<boolean | DmarcSilence> {
  const answers = await Promise.all(
    (["MX", "A", "AAAA"] as const).map((type) => resolver.resolve(domain, type)),
  );
  if (answers.some((answer) => answer.status === "ok")) return true;
  const silent = answers.find((answer) => answer.status === "temperror");
  return silent ? { ...silent, name: domain } : false;
}
