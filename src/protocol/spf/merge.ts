import { parseSpf } from "./parse.ts";

/**
 * One record with the terms of all, each once, and `more` before the end. A `redirect` becomes an `include`, since
 * only one could stand. The end is the owner's own: the softer of `-all` and `~all` where they differ, so that
 * joining refuses nobody's mail; `fallback` where there is none that protects.
 */
export function mergeSpf(texts: readonly string[], more: readonly string[] = [], fallback = "-all"): string {
  const terms = new Set<string>();
  let end: string | undefined;
  for (const word of texts.flatMap((text) => text.split(/\s+/).slice(1))) {
    if (/^[+~?-]?all$/i.test(word)) {
      if (/^[~-]/.test(word)) end = end === "~all" || word.startsWith("~") ? "~all" : "-all";
    } else if (/^redirect=/i.test(word)) terms.add(`include:${word.slice("redirect=".length)}`);
    else if (word !== "" && parseSpf(`v=spf1 ${word}`).status === "record") terms.add(word);
  }
  for (const word of more) terms.add(word);
  return ["v=spf1", ...terms, end ?? fallback].join(" ");
}
