import type { DnsAnswer, Resolver } from "../dns/index.ts";
import { lookupSpf, type SpfLookup, type SpfSilence } from "./lookup.ts";
import type { SpfTerm } from "./parse.ts";

/** What a receiver meets when it evaluates the record to its end. */
export type SpfSurvey =
  | ({ status: "ok"; text: string } & SpfFacts)
  | Exclude<SpfLookup, { status: "found" }>
  /** `costs`: what each term of the record itself had used when the limit was reached. */
  | { status: "too-many-lookups"; text: string; costs: SpfCost[] }
  /** An `include`, `redirect` or `mx` that is a permanent error for receivers. */
  | { status: "broken"; text: string; name: string; detail: string };

export type SpfCost = { term: string; lookups: number };

export type SpfFacts = {
  /** Terms that cost a DNS query, of the ten that RFC 7208 section 4.6.4 allows. */
  lookups: number;
  costs: SpfCost[];
  /** Domains reached by `include`, lower case. */
  includes: string[];
  /** Names that terms ask for and that have nothing: receivers stop at the third (section 4.6.4). */
  voids: string[];
  /** Whether `ptr` is used, which section 5.5 says not to. */
  usesPtr: boolean;
  /** The qualifier of the `all` that ends the record, following `redirect`. */
  all: "+" | "-" | "~" | "?" | undefined;
  /** Terms that come after `all`, and a `redirect` beside it: nobody reads them (sections 5.1 and 6.1). */
  unread: string[];
};

export const MAX_SPF_LOOKUPS = 10;
export const MAX_SPF_VOIDS = 2;
const MAX_MX_NAMES = 10;
const QUERYING = new Set(["include", "a", "mx", "ptr", "exists"]);

type Walk = SpfFacts & { resolver: Resolver };
type Stop = { status: "too-many-lookups" } | { status: "broken"; name: string; detail: string } | SpfSilence;

/**
 * Follows every `include` and `redirect`, asks for what `a`, `mx` and `exists` name, and counts the lookups as if no
 * mechanism matched. Names with macros depend on the message: they are counted, and not followed.
 */
export async function surveySpf(domain: string, resolver: Resolver): Promise<SpfSurvey> {
  const own = await lookupSpf(domain, resolver);
  if (own.status !== "found") return own;
  const walk: Walk = {
    resolver,
    lookups: 0,
    costs: [],
    includes: [],
    voids: [],
    usesPtr: false,
    all: undefined,
    unread: [],
  };
  const stop = await follow(domain, own.terms, walk, { counted: true, ending: true });
  const { resolver: _, ...facts } = walk;
  if (!stop) return { status: "ok", text: own.text, ...facts };
  if (stop.status === "too-many-lookups") return { ...stop, text: own.text, costs: walk.costs };
  return stop.status === "broken" ? { ...stop, text: own.text } : stop;
}

/** `counted`: the terms are those of the record itself; `ending`: its `all` is the one that ends the whole. */
type Level = { counted: boolean; ending: boolean };

async function follow(
  domain: string,
  terms: SpfTerm[],
  walk: Walk,
  { counted, ending }: Level,
): Promise<Stop | undefined> {
  const allAt = terms.findIndex((t) => t.kind === "mechanism" && t.name === "all");
  const all = terms[allAt];
  if (ending && all?.kind === "mechanism") walk.all = all.qualifier;
  const redirect = terms.find((t) => t.kind === "modifier" && t.name === "redirect");
  if (counted && all) {
    const after = terms.slice(allAt + 1).filter((t) => t.kind === "mechanism");
    walk.unread = [...after, ...(redirect ? [redirect] : [])].map(written);
  }
  for (const term of all ? terms.slice(0, allAt) : terms) {
    if (term.kind !== "mechanism" || !QUERYING.has(term.name)) continue;
    const before = walk.lookups;
    const stop = await visit(domain, term, walk);
    if (counted) walk.costs.push({ term: written(term), lookups: walk.lookups - before });
    if (stop) return stop;
  }
  if (!redirect || all) return undefined;
  const before = walk.lookups;
  const stop = await enter(redirect.value, walk, ending);
  if (counted) walk.costs.push({ term: written(redirect), lookups: walk.lookups - before });
  return stop;
}

type Mechanism = Extract<SpfTerm, { kind: "mechanism" }>;

async function visit(domain: string, term: Mechanism, walk: Walk): Promise<Stop | undefined> {
  if (term.name === "ptr") walk.usesPtr = true;
  if (term.name === "include") {
    if (!term.value.includes("%") && walk.lookups < MAX_SPF_LOOKUPS)
      walk.includes.push(canonical(term.value));
    return enter(term.value, walk, false);
  }
  if (++walk.lookups > MAX_SPF_LOOKUPS) return { status: "too-many-lookups" };
  if (term.name === "ptr" || term.value.includes("%")) return undefined;
  const name = canonical(term.value.replace(/\/.*$/, "")) || domain;
  return term.name === "mx" ? visitMx(name, walk) : visitAddress(name, term.name === "exists", walk);
}

async function visitMx(name: string, walk: Walk): Promise<Stop | undefined> {
  const answer = await walk.resolver.resolve(name, "MX");
  if (answer.status === "temperror") return { ...answer, name };
  if (answer.status !== "ok") walk.voids.push(name);
  else if (answer.records.length > MAX_MX_NAMES) {
    return { status: "broken", name, detail: `has more than ${MAX_MX_NAMES} MX records` };
  }
  return undefined;
}

async function visitAddress(name: string, onlyV4: boolean, walk: Walk): Promise<Stop | undefined> {
  const answers: DnsAnswer<"A" | "AAAA">[] = await Promise.all([
    walk.resolver.resolve(name, "A"),
    ...(onlyV4 ? [] : [walk.resolver.resolve(name, "AAAA")]),
  ]);
  const silent = answers.find((a) => a.status === "temperror");
  if (silent) return { ...silent, name };
  if (answers.every((a) => a.status !== "ok")) walk.voids.push(name);
  return undefined;
}

/** The record that an `include` or `redirect` names. The count of lookups bounds the depth, loops included. */
async function enter(value: string, walk: Walk, ending: boolean): Promise<Stop | undefined> {
  if (++walk.lookups > MAX_SPF_LOOKUPS) return { status: "too-many-lookups" };
  if (value.includes("%")) return undefined;
  const name = canonical(value);
  const next = await lookupSpf(name, walk.resolver);
  if (next.status === "temperror") return next;
  if (next.status === "found") return follow(name, next.terms, walk, { counted: false, ending });
  const detail = { none: "has no SPF record", multiple: "has several SPF records", syntax: "cannot be read" };
  return { status: "broken", name, detail: detail[next.status] };
}

function written(term: SpfTerm): string {
  if (term.kind === "modifier") return `${term.name}=${term.value}`;
  const sign = term.qualifier === "+" ? "" : term.qualifier;
  const separator = term.value === "" || term.value.startsWith("/") ? "" : ":";
  return `${sign}${term.name}${separator}${term.value}`;
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
