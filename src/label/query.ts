import type { UriRange } from "./store.ts";

export type LabelQuery = { ranges: UriRange[]; sources: string[] | undefined; limit: number; cursor: number };

const MAX_PATTERNS = 50;
const MAX_PATTERN = 2048;
const DID = /^did:[a-z]+:[a-zA-Z0-9._:%-]{1,2000}$/;
const LAST_CHARACTER = "\u{10ffff}";

/** Reads the parameters of `com.atproto.label.queryLabels`, or says in `invalid` what is wrong with them. */
export function parseLabelQuery(params: URLSearchParams): LabelQuery | { invalid: string } {
  const patterns = params.getAll("uriPatterns");
  if (patterns.length === 0) return { invalid: "uriPatterns is required" };
  if (patterns.length > MAX_PATTERNS) return { invalid: `at most ${MAX_PATTERNS} uriPatterns` };
  const ranges: UriRange[] = [];
  for (const pattern of patterns) {
    if (pattern === "" || pattern.length > MAX_PATTERN)
      return { invalid: "a pattern has 1 to 2048 characters" };
    const star = pattern.indexOf("*");
    if (star >= 0 && star < pattern.length - 1)
      return { invalid: "* may only stand at the end of a pattern" };
    const prefix = pattern.slice(0, -1);
    ranges.push(star < 0 ? [pattern, pattern] : [prefix, prefix + LAST_CHARACTER]);
  }
  const sources = params.has("sources") ? params.getAll("sources") : undefined;
  if (sources && (sources.length > MAX_PATTERNS || !sources.every((source) => DID.test(source)))) {
    return { invalid: `sources are DIDs, at most ${MAX_PATTERNS}` };
  }
  const limit = integer(params.get("limit") ?? "50");
  if (limit === undefined || limit < 1 || limit > 250) return { invalid: "limit is a number from 1 to 250" };
  const cursor = integer(params.get("cursor") ?? "0");
  if (cursor === undefined) return { invalid: "cursor must be one that this service returned" };
  return { ranges, sources, limit, cursor };
}

/** A non-negative safe integer in decimal, or undefined. */
export function integer(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
