import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { build, type Problem, type ShapingData } from "./build.ts";
import { readDocument, tell, type ShapingFile } from "./document.ts";
import { layOver } from "./lay.ts";

/** The providers and rules that the package brings. */
const BUILT_IN = join(import.meta.dirname, "../../shaping/providers.toml");
const MAX_BYTES = 262_144;

/** `warnings`: what the operator's file has that has no effect. */
export type ReadResult =
  | { ok: true; data: ShapingData; warnings: readonly string[] }
  | { ok: false; problems: string[] };

/** The built-in file, and over it the operator's, if there is one. Problems name file, line and key. */
export function readShaping(path: string | undefined): ReadResult {
  const own = builtIn();
  if (path === undefined) return buildOf(own, undefined);
  const text = readText(path);
  return typeof text === "string" ? layText(path, text) : { ok: false, problems: [text.problem] };
}

/** The same with the text of the operator's file at hand. */
export function layText(name: string, text: string): ReadResult {
  const read = readDocument(name, text);
  if (read.ok) return buildOf(builtIn(), read.file);
  const others = read.rest ? build(layOver(builtIn().document, read.rest)) : undefined;
  const more =
    others?.ok === false ? others.problems.filter(({ path }) => !touches(path, read.problems)) : [];
  return { ok: false, problems: tell(name, read.lines, [...read.problems, ...more]) };
}

/** A table that has a problem may seem to lack what was wrong in it. */
function touches(path: readonly PropertyKey[], problems: readonly Problem[]): boolean {
  return problems.some((problem) => path.every((part, i) => part === problem.path[i]));
}

function buildOf(lower: ShapingFile, upper: ShapingFile | undefined): ReadResult {
  const built = build(upper ? layOver(lower.document, upper.document) : lower.document);
  if (built.ok) return { ...built, warnings: upper?.warnings ?? [] };
  const file = upper ?? lower;
  return { ok: false, problems: tell(file.name, file.lines, built.problems) };
}

let cached: ShapingFile | undefined;

function builtIn(): ShapingFile {
  if (cached) return cached;
  const read = readDocument("providers.toml", readFileSync(BUILT_IN, "utf8"));
  if (!read.ok) {
    const problems = tell("providers.toml", read.lines, read.problems);
    throw new Error(`The built-in shaping file is faulty:\n${problems.join("\n")}`);
  }
  return (cached = read.file);
}

function readText(path: string): string | { problem: string } {
  try {
    if (statSync(path).size > MAX_BYTES)
      return { problem: `${path} is larger than ${MAX_BYTES / 1024} KiB, which no shaping file needs` };
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problem: `${path} cannot be read (${code}): mend it, or remove ATMOS_SHAPING_FILE` };
  }
}
