import type { Resolver } from "../dns/index.ts";
import { isSpf, parseSpf, type SpfTerm } from "./parse.ts";

export type SpfLookup =
  | { status: "found"; text: string; terms: SpfTerm[] }
  | { status: "none" }
  | { status: "multiple"; texts: string[] }
  | { status: "syntax"; text: string; detail: string }
  | { status: "temperror"; detail: string };

/** The SPF record of a domain (RFC 7208 sections 4.4 and 4.5). */
export async function lookupSpf(domain: string, resolver: Resolver): Promise<SpfLookup> {
  const answer = await resolver.resolve(domain, "TXT");
  if (answer.status === "temperror") return answer;
  const texts = answer.status === "ok" ? answer.records.map((r) => r.text).filter(isSpf) : [];
  const text = texts[0];
  if (text === undefined) return { status: "none" };
  if (texts.length > 1) return { status: "multiple", texts };
  const parsed = parseSpf(text);
  return parsed.status === "syntax"
    ? { status: "syntax", text, detail: parsed.detail }
    : { status: "found", text, terms: parsed.terms };
}

/** What a receiver meets when it evaluates the record to its end. */
export type SpfSurvey =
  | {
      status: "ok";
      text: string;
      /** Terms that cost a DNS query, of the ten that RFC 7208 section 4.6.4 allows. */
      lookups: number;
      /** Domains reached by `include`, lower case. */
      includes: string[];
      /** The qualifier of the `all` that ends the record, following `redirect`. */
      all: "+" | "-" | "~" | "?" | undefined;
    }
  | { status: "none" }
  | { status: "multiple"; texts: string[] }
  | { status: "syntax"; text: string; detail: string }
  | { status: "too-many-lookups"; text: string }
  /** An `include` or `redirect` leads to no usable record: a permanent error for receivers. */
  | { status: "broken"; text: string; name: string; detail: string }
  | { status: "temperror"; detail: string };

export const MAX_SPF_LOOKUPS = 10;
const QUERYING = new Set(["include", "a", "mx", "ptr", "exists"]);

type Walk = { lookups: number; includes: string[]; all: "+" | "-" | "~" | "?" | undefined };
type Stop = { status: "too-many-lookups" } | { status: "broken"; name: string; detail: string } | Temperror;
type Temperror = { status: "temperror"; detail: string };

/**
 * Follows every `include` and `redirect` and counts the lookups as if no mechanism matched. Names with macros
 * depend on the message: they are counted, and not followed.
 */
export async function surveySpf(domain: string, resolver: Resolver): Promise<SpfSurvey> {
  const own = await lookupSpf(domain, resolver);
  if (own.status !== "found") return own;
  const walk: Walk = { lookups: 0, includes: [], all: undefined };
  const stop = await follow(own.terms, walk, resolver, true);
  if (stop?.status === "temperror") return stop;
  return stop ? { ...stop, text: own.text } : { status: "ok", text: own.text, ...walk };
}

async function follow(
  terms: SpfTerm[],
  walk: Walk,
  resolver: Resolver,
  outer: boolean,
): Promise<Stop | undefined> {
  let hasAll = false;
  for (const term of terms) {
    if (term.kind !== "mechanism") continue;
    if (term.name === "all") {
      hasAll = true;
      if (outer) walk.all = term.qualifier;
      break;
    }
    if (!QUERYING.has(term.name)) continue;
    if (++walk.lookups > MAX_SPF_LOOKUPS) return { status: "too-many-lookups" };
    if (term.name !== "include" || term.value.includes("%")) continue;
    const name = canonical(term.value);
    walk.includes.push(name);
    const stop = await descend(name, walk, resolver, false);
    if (stop) return stop;
  }
  const redirect = terms.find((t) => t.kind === "modifier" && t.name === "redirect");
  if (!redirect || hasAll) return undefined;
  if (++walk.lookups > MAX_SPF_LOOKUPS) return { status: "too-many-lookups" };
  return redirect.value.includes("%") ? undefined : descend(canonical(redirect.value), walk, resolver, outer);
}

/** The count of lookups bounds the depth, loops included. */
async function descend(
  name: string,
  walk: Walk,
  resolver: Resolver,
  outer: boolean,
): Promise<Stop | undefined> {
  const next = await lookupSpf(name, resolver);
  if (next.status === "temperror") return next;
  if (next.status === "found") return follow(next.terms, walk, resolver, outer);
  const detail = { none: "has no SPF record", multiple: "has several SPF records", syntax: "cannot be read" };
  return { status: "broken", name, detail: detail[next.status] };
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
