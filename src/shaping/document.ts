import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { nearest } from "../lib/nearest.ts";
import { lineAt, linesOf, type Lines } from "./lines.ts";
import type { Problem } from "./build.ts";
import { fileSchema, keysAt, type ShapingDocument } from "./schema.ts";

/** One shaping file, as it was read. */
export type ShapingFile = {
  name: string;
  document: ShapingDocument;
  lines: Lines;
  /** What is there and has no effect, as `tell` would say it. */
  warnings: readonly string[];
};

const MAX_FILE = 262_144;
const MAX_PROBLEMS = 100;

export type DocumentResult =
  | { ok: true; file: ShapingFile }
  | {
      ok: false;
      problems: Problem[];
      /** What is left without the tables that have problems, if anything: it may have others. */
      rest: ShapingDocument | undefined;
      lines: Lines;
    };

const unread = (words: string, line: number): DocumentResult => ({
  ok: false,
  problems: [{ path: [], words, line }],
  rest: undefined,
  lines: new Map(),
});

/** Reads one file's text. Problems have the key, what is wrong with it and what is allowed there. Pure. */
export function readDocument(name: string, text: string): DocumentResult {
  if (text.length > MAX_FILE) return unread(`the file is larger than ${MAX_FILE / 1024} KiB`, 1);
  let tables: unknown;
  try {
    tables = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "");
    return unread(`this is no TOML: ${why}`, error.line);
  }
  const lines = linesOf(text);
  const warnings = tell(name, lines, withoutObsolete(tables));
  const parsed = fileSchema.safeParse(tables);
  if (parsed.success) return { ok: true, file: { name, document: parsed.data, lines, warnings } };
  const problems = parsed.error.issues.flatMap((issue) => wordsOf(issue, tables));
  for (const { path } of problems) remove(tables, path);
  return { ok: false, problems, rest: fileSchema.safeParse(tables).data, lines };
}

/** Keys of older versions, and why they are there no more. A file that still has them can be used. */
const OBSOLETE: Readonly<Record<string, string>> = {
  recipients_per_message:
    "has no effect: each recipient has a return path of its own, and so a transaction of its own. Remove it",
};

/** Takes them out of the tables that have limits, whatever they say. */
function withoutObsolete(tables: unknown): Problem[] {
  const providers = valueAt(tables, ["provider"]);
  const ids = typeof providers === "object" && providers !== null ? Object.keys(providers) : [];
  return [["default"], ...ids.map((id) => ["provider", id])].flatMap((path) => {
    const table = valueAt(tables, path);
    if (typeof table !== "object" || table === null) return [];
    return Object.entries(OBSOLETE).flatMap(([key, words]): Problem[] => {
      if (!Object.hasOwn(table, key)) return [];
      delete (table as Record<string, unknown>)[key];
      return [{ path: [...path, key], words }];
    });
  });
}

/** `FILE:LINE: KEY WORDS`, in the order of the file. */
export function tell(name: string, lines: Lines, problems: readonly Problem[]): string[] {
  return problems
    .map(({ path, words, line }) => ({
      line: line ?? lineAt(lines, path),
      words: [keyOf(path), words].filter(Boolean).join(" "),
    }))
    .sort((a, b) => a.line - b.line)
    .slice(0, MAX_PROBLEMS)
    .map(({ line, words }) => `${name}:${line}: ${words}`);
}

/** Takes out a faulty key, or the whole rule or domain that it is in: half of one would seem to lack the other half. */
function remove(tables: unknown, path: readonly PropertyKey[]): void {
  const rule = path.indexOf("rule");
  const whole = rule >= 0 ? path.slice(0, rule + 2) : path[0] === "domain" ? path.slice(0, 2) : path;
  const key = whole.findLast((part) => typeof part === "string");
  const around = valueAt(tables, whole.slice(0, whole.lastIndexOf(key!)));
  if (typeof around === "object" && around !== null)
    delete (around as Record<string, unknown>)[key as string];
}

/** As it would be written in the file. */
function keyOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : quoted(String(part))))
    .join(".")
    .replaceAll(".[", "[");
}

const quoted = (part: string) => (/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part));

function wordsOf(issue: z.core.$ZodIssue, tables: unknown): Problem[] {
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
