import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RulesError, type RuleSet } from "./engine.ts";

const LABELS_FILE = "labels.json";
const MAX_FILES = 500;
const MAX_BYTES = 1024 * 1024;

const labelsConfig = z.record(
  z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  z.strictObject({
    valid_for: z.array(z.string().min(1)).min(1),
    connotation: z.enum(["positive", "negative", "neutral"]),
    description: z.string().min(1),
  }),
);

/**
 * Reads every `*.sml` below the directory, by its path from there, and `labels.json`. Whether the rules are right is
 * for the engine to say. Throws `RulesError` for a directory or a file that cannot be used.
 */
export async function loadRules(directory: string): Promise<RuleSet> {
  const paths = await listRules(directory);
  const files: Record<string, string> = {};
  for (const path of paths) files[path] = await read(directory, path);
  return { files, labels: parseLabels(await read(directory, LABELS_FILE)) };
}

async function listRules(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      throw new RulesError(`${directory}: the directory of rules cannot be read (${reason(error)})`);
    },
  );
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".sml"))
    .map((entry) =>
      join(entry.parentPath, entry.name).slice(join(directory, "/").length).replaceAll("\\", "/"),
    )
    .sort();
  if (paths.length === 0) throw new RulesError(`${directory}: there is no rule file (*.sml) here`);
  if (paths.length > MAX_FILES) throw new RulesError(`${directory}: more than ${MAX_FILES} rule files`);
  return paths;
}

async function read(directory: string, path: string): Promise<string> {
  const bytes = await readFile(join(directory, path)).catch((error: unknown) => {
    throw new RulesError(`${path}: the file cannot be read (${reason(error)})`);
  });
  if (bytes.length > MAX_BYTES) throw new RulesError(`${path}: the file is larger than ${MAX_BYTES} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RulesError(`${path}: the file is not UTF-8`);
  }
}

function parseLabels(text: string): RuleSet["labels"] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RulesError(`${LABELS_FILE}: ${reason(error)}`);
  }
  const parsed = labelsConfig.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new RulesError(`${LABELS_FILE}: ${z.prettifyError(parsed.error)}`);
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));
