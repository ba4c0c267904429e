import { readFileSync } from "node:fs";
import { readExistingLabels, runCase, runEvent, type ConformanceOutcome } from "../../protocol/sml/index.ts";
import { compileSet } from "../../rules/index.ts";
import { CommandError, EXIT, plain } from "../output.ts";
import { faultOf, jsonOf, linesOf, write, type Line } from "./lines.ts";
import { readRules } from "./validate.ts";

type Options = {
  events?: string;
  cases?: string[];
  labelsConfig?: string;
  existingLabels?: string;
  json?: boolean;
};

const MOST_EVENT = 4 * 1024 * 1024;
const MOST_CASE = 64 * 1024 * 1024;

type Answer = { text: string; failed: boolean };

/** `atmos rules eval`: a line out for each line in; exit 1 when a line could not be judged. */
export async function evaluate(dir: string | undefined, options: Options): Promise<number> {
  const { events, cases } = options;
  if (cases !== undefined) {
    if (dir !== undefined || events !== undefined)
      throw new CommandError(
        "--cases brings its own rules and events: name no directory and no --events.",
        EXIT.usage,
      );
    return each(cases, MOST_CASE, caseOf);
  }
  if (dir === undefined || events === undefined)
    throw new CommandError("Name a directory and --events FILE, or --cases FILE.", EXIT.usage);
  const program = compileSet(await readRules(dir, options.labelsConfig));
  const existing = options.existingLabels === undefined ? {} : existingOf(options.existingLabels);
  return each([events], MOST_EVENT, (line) => {
    const read = jsonOf(line);
    if ("problem" in read) return fault(line, read.problem);
    const event = flat(read.value);
    const outcome = runEvent(program, event, existing);
    if (typeof outcome === "string") return fault(line, outcome);
    const { action_id } = event as { action_id: unknown };
    const text = options.json ? JSON.stringify({ action_id, ...outcome }) : inWords(event, outcome);
    return { text, failed: false };
  });
}

async function each(paths: readonly string[], most: number, judge: (line: Line) => Answer): Promise<number> {
  let exit: number = EXIT.ok;
  for (const path of paths) {
    try {
      for await (const line of linesOf(path, most)) {
        const { text, failed } = judge(line);
        if (failed) exit = EXIT.fault;
        await write(`${text}\n`);
      }
    } catch (error) {
      if (typeof (error as NodeJS.ErrnoException).code !== "string") throw error;
      process.stderr.write(`${plain(faultOf(path, error))}\n`);
      exit = EXIT.fault;
    }
  }
  return exit;
}

function caseOf(line: Line): Answer {
  const read = jsonOf(line);
  if ("problem" in read) return fault(line, read.problem);
  const result = runCase(read.value);
  if ("error" in result) return fault(line, result.error, result.name);
  return { text: JSON.stringify(result), failed: false };
}

function fault({ number }: Line, error: string, name?: string): Answer {
  process.stderr.write(`line ${number}: ${plain(error)}\n`);
  return { text: JSON.stringify({ ...(name !== undefined && { name }), line: number, error }), failed: true };
}

/** The envelope of Osprey's input topic and of our log, as an event of the conformance set. */
function flat(value: unknown): unknown {
  const { send_time, data } = (value ?? {}) as { send_time?: unknown; data?: unknown };
  const isEnvelope = typeof data === "object" && data !== null && "action_name" in data && "data" in data;
  return isEnvelope && !("action_name" in (value as object)) ? { send_time, ...data } : value;
}

function existingOf(path: string) {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CommandError(
      error instanceof SyntaxError ? `${path}: not JSON (${error.message})` : faultOf(path, error),
    );
  }
  const read = readExistingLabels(json);
  if (typeof read === "string") throw new CommandError(`${path}: ${read}`);
  return read;
}

function inWords(event: unknown, outcome: ConformanceOutcome): string {
  const { action_id, action_name } = event as { action_id: unknown; action_name: unknown };
  const { fired_rules, descriptions, label_effects, verdicts, error_count } = outcome;
  const rules = fired_rules.map((rule) => {
    const { template = "", values = {} } = descriptions[rule] ?? {};
    const said = template.replace(/(?<!\{)\{(\w+)\}(?!\})/g, (whole, name: string) => values[name] ?? whole);
    return `  ${rule}: ${said.replaceAll("{{", "{").replaceAll("}}", "}")}`;
  });
  const labels = label_effects.map(
    (one) => `  ${one.status === "added" ? "+" : "-"} ${one.entity_type}/${one.entity_id}/${one.label}`,
  );
  const errors = error_count === 0 ? "" : `, ${error_count} errors`;
  const head = `${String(action_id)} ${String(action_name)}: ${fired_rules.length} fired${errors}`;
  return plain([head, ...rules, ...labels, ...verdicts.map((one) => `  verdict ${one}`)].join("\n"));
}
