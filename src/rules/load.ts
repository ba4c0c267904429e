import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { LabelsConfig } from "../protocol/sml/index.ts";
import { RulesError, type RuleSet, type ShadowList } from "./rule-set.ts";

const LABELS_FILE = "labels.json";
const SHADOW_FILE = "shadow.json";
const MAX_FILES = 500;
const MAX_ENTRIES = 20_000;
const MAX_BYTES = 1024 * 1024;
const MAX_ALL_BYTES = 16 * 1024 * 1024;

const labelsConfig = z.record(
  z.string().min(1).max(200),
  z.object({
    valid_for: z.array(z.string().min(1)).max(1_000),
    connotation: z.string().nullish(),
    description: z.string().nullish(),
  }),
);
const shadowList = z.strictObject({
  rules: z.array(z.string()).max(1_000).default([]),
  labels: z.array(z.string()).max(1_000).default([]),
});

/**
 * Reads every `*.sml` below the directory, by its path from there, with `labels.json` and `shadow.json` where they are.
 * Without `labels.json` no label is configured, as Osprey has it. Whether the rules are right is for the compiler to say.
 * Throws `RulesError` for a directory or a file that cannot be used.
 */
export async function loadRules(directory: string): Promise<RuleSet> {
  const { rules, others } = await list(directory);
  const files: Record<string, string> = {};
  let size = 0;
  for (const path of rules) {
    files[path] = await read(directory, path);
    size += files[path].length;
    if (size > MAX_ALL_BYTES)
      throw new RulesError(`${directory}: the rule files are larger than ${MAX_ALL_BYTES} bytes together`);
  }
  const labels = others.has(LABELS_FILE) ? await readLabels(join(directory, LABELS_FILE)) : null;
  if (!others.has(SHADOW_FILE)) return { files, labels };
  const text = await read(directory, SHADOW_FILE);
  return { files, labels, shadow: parse(text, SHADOW_FILE, shadowList) as ShadowList };
}

/** A configuration of labels: name to `valid_for`, `connotation`, `description`, as JSON. Throws `RulesError`. */
export async function readLabels(path: string): Promise<LabelsConfig> {
  const parsed = parse(await readText(path, path), path, labelsConfig);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, { valid_for, connotation, description }]) => [
      name,
      { valid_for, connotation: connotation ?? "neutral", description: description ?? "" },
    ]),
  );
}

async function list(directory: string): Promise<{ rules: string[]; others: Set<string> }> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      throw new RulesError(`${directory}: the directory of rules cannot be read (${reason(error)})`);
    },
  );
  if (entries.length > MAX_ENTRIES)
    throw new RulesError(`${directory}: more than ${MAX_ENTRIES} files: name the directory of rules itself`);
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name).slice(join(directory, "/").length).replaceAll("\\", "/"),
    );
  const rules = paths.filter((path) => path.endsWith(".sml")).sort();
  if (rules.length === 0) throw new RulesError(`${directory}: there is no rule file (*.sml) here`);
  if (rules.length > MAX_FILES) throw new RulesError(`${directory}: more than ${MAX_FILES} rule files`);
  return { rules, others: new Set(paths.filter((path) => !path.includes("/"))) };
}

const read = (directory: string, path: string) => readText(join(directory, path), path);

async function readText(path: string, shown: string): Promise<string> {
  const unreadable = (error: unknown) => {
    throw new RulesError(`${shown}: the file cannot be read (${reason(error)})`);
  };
  const { size } = await stat(path).catch(unreadable);
  if (size > MAX_BYTES) throw new RulesError(`${shown}: the file is larger than ${MAX_BYTES} bytes`);
  const bytes = await readFile(path).catch(unreadable);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RulesError(`${shown}: the file is not UTF-8`);
  }
}

function parse<T>(text: string, path: string, shape: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RulesError(`${path}: ${reason(error)}`);
  }
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new RulesError(`${path}: ${z.prettifyError(parsed.error)}`);
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));
