import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { nearest } from "../lib/nearest.ts";
import { lineAt, linesOf, type Lines } from "./lines.ts";
import { fileSchema, keysAt, type ShapingDocument } from "./schema.ts";

/** One shaping file, as it was read. */
export type ShapingFile = { name: string; document: ShapingDocument; lines: Lines };

const MAX_FILE = 262_144;
const MAX_PROBLEMS = 100;

/** Reads one file's text. Each problem has the file's name, the line, the key and what is allowed there. Pure. */
export function readDocument(
  name: string,
  text: string,
): { ok: true; file: ShapingFile } | { ok: false; problems: string[] } {
  if (text.length > MAX_FILE)
    return { ok: false, problems: [`${name}: is larger than ${MAX_FILE / 1024} KiB`] };
  let tables: unknown;
  try {
    tables = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "");
    return { ok: false, problems: [`${name}:${error.line}: this is no TOML: ${why}`] };
  }
  const lines = linesOf(text);
  const parsed = fileSchema.safeParse(tables);
  if (parsed.success) return { ok: true, file: { name, document: parsed.data, lines } };
  const problems = parsed.error.issues
    .flatMap((issue) => wordsOf(issue, tables))
    .map(({ path, words }) => ({ line: lineAt(lines, path), words: `${keyOf(path)} ${words}` }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, words }) => `${name}:${line}: ${words}`);
  return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
}

/** As it would be written in the file. */
export function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : quoted(String(part))))
    .join(".")
    .replaceAll(".[", "[");
}

const quoted = (part: string) => (/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part));

type Said = { path: PropertyKey[]; words: string };

function wordsOf(issue: z.core.$ZodIssue, tables: unknown): Said[] {
  const { path } = issue;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const known = keysAt(path);
        const near = nearest(key, known);
        const hint = near === undefined ? "" : `did you mean ${near}? `;
        return { path: [...path, key], words: `is no key here; ${hint}There may be ${known.join(", ")}` };
      });
    case "invalid_key":
      return [{ path, words: issue.issues[0]?.message ?? issue.message }];
    case "invalid_value": {
      const values = issue.values.map(String);
      const given = valueAt(tables, path);
      const near = typeof given === "string" ? nearest(given, values) : undefined;
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      return [{ path, words: `must be ${values.length > 1 ? "one of " : ""}${values.join(", ")}${hint}` }];
    }
    case "invalid_type":
      return [
        {
          path,
          words: issue.message.startsWith("must") ? issue.message : `must be ${aType(issue.expected)}`,
        },
      ];
    default:
      return [{ path, words: issue.message }];
  }
}

const TYPES: Record<string, string> = {
  object: "a table",
  record: "a table",
  array: "a list",
  string: "text",
};
const aType = (expected: string) => TYPES[expected] ?? `a ${expected}`;

function valueAt(tables: unknown, path: readonly PropertyKey[]): unknown {
  let at = tables;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}
