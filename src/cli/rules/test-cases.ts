import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Envelope } from "../../event/index.ts";
import type { RuleTrace } from "../../protocol/sml/index.ts";
import {
  createEmbeddedEngine,
  loadRules,
  RulesError,
  type RuleResult,
  type RuleVerdict,
} from "../../rules/index.ts";
import { EXIT, outputFor, plain } from "../output.ts";
import { faultOf, jsonOf, linesOf } from "./lines.ts";

const SUFFIX = ".cases.jsonl";
const MOST_CASE = 1024 * 1024;
const MOST_FILES = 500;
const SEND_TIME = "2027-03-01T08:00:00.000000Z";

const names = z.array(z.string().max(1_000)).max(1_000);
const fixture = z.strictObject({
  name: z.string().min(1).max(500),
  why: z.string().max(5_000).optional(),
  /** Inner data, with `action_name` and, where they matter, `action_id` and `send_time`. */
  event: z.looseObject({
    action_name: z.string().min(1).max(200),
    action_id: z
      .string()
      .regex(/^\d{1,40}$/)
      .optional(),
    send_time: z.string().max(60).optional(),
  }),
  /** Rules that fire and are not in shadow. */
  fired: names,
  /** `Type/id/label` of what takes effect; what is taken away begins with `-`. */
  labels: names.optional(),
  /** Rules in shadow that fire. */
  shadow: names.optional(),
  /** Texts of `DeclareVerdict`. */
  verdicts: names.optional(),
  /** Values that rules which fire have read, by name. */
  values: z.record(z.string(), z.json()).optional(),
});
type Fixture = z.infer<typeof fixture>;

/** What a case expected and what was found, one line each, and why. */
type Failure = {
  file: string;
  line: number;
  name: string;
  why: string;
  differences: string[];
  trace: string[];
};

type Options = { json?: boolean; strict?: boolean };

/** `atmos rules test`: exit 1 when a case fails, or none is there. */
export async function testRules(dir: string, options: Options): Promise<number> {
  const out = outputFor(options);
  const set = await loadRules(dir);
  const engine = createEmbeddedEngine(set);
  const failures: Failure[] = [];
  const tried = new Map(engine.rules.map(({ name }) => [name, { fires: 0, silent: 0 }]));
  let cases = 0;
  for (const file of await caseFiles(dir)) {
    for await (const line of linesOf(join(dir, file), MOST_CASE)) {
      cases += 1;
      const at = { file, line: line.number };
      const read = readCase(jsonOf(line));
      if (typeof read === "string") {
        failures.push({ ...at, name: "", why: "", differences: [read], trace: [] });
        continue;
      }
      const result = judge(engine, read, cases);
      if (typeof result === "string") {
        failures.push({ ...at, name: read.name, why: read.why ?? "", differences: [result], trace: [] });
        continue;
      }
      for (const { name, fired } of result.trace) {
        const count = tried.get(name);
        if (count && fired !== null) count[fired ? "fires" : "silent"] += 1;
      }
      const differences = compare(read, result);
      if (differences.length === 0) continue;
      const trace = traceOf(read, result);
      failures.push({ ...at, name: read.name, why: read.why ?? "", differences, trace });
    }
  }
  if (cases === 0)
    throw new RulesError(`${dir}: there is no case here: put them beside the rules, as x${SUFFIX}`);
  const neverFired = [...tried].filter(([, { fires }]) => fires === 0).map(([name]) => name);
  const neverSilent = [...tried].filter(([, { silent }]) => silent === 0).map(([name]) => name);
  for (const one of failures) out.say(plain(inWords(one)));
  for (const name of neverFired) out.say(`No case fires ${name}.`);
  for (const name of neverSilent) out.say(`No case keeps ${name} silent.`);
  out.say(`${cases - failures.length} of ${cases} cases are as they should be.`);
  out.result({ cases, passed: cases - failures.length, failures, neverFired, neverSilent });
  const isLacking = options.strict === true && neverFired.length + neverSilent.length > 0;
  return failures.length > 0 || isLacking ? EXIT.fault : EXIT.ok;
}

async function caseFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true }).catch((error: unknown) => {
    throw new RulesError(faultOf(dir, error));
  });
  const files = entries.filter((path) => path.endsWith(SUFFIX)).sort();
  if (files.length > MOST_FILES) throw new RulesError(`${dir}: more than ${MOST_FILES} files of cases`);
  return files;
}

function readCase(read: ReturnType<typeof jsonOf>): Fixture | string {
  if ("problem" in read) return read.problem;
  const parsed = fixture.safeParse(read.value);
  return parsed.success ? parsed.data : z.prettifyError(parsed.error);
}

function judge(
  engine: ReturnType<typeof createEmbeddedEngine>,
  { event }: Fixture,
  number: number,
): RuleResult | string {
  const { action_name, action_id = String(number), send_time = SEND_TIME, ...data } = event;
  const inner = { dedupe_key: action_id, ...data };
  // A case may leave out what its rules do not read.
  const envelope = { send_time, data: { action_id, action_name, data: inner } } as unknown as Envelope;
  try {
    return engine.evaluate(envelope, { trace: true });
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function compare(expected: Fixture, result: RuleResult): string[] {
  const acting = result.verdicts.filter((verdict) => !verdict.shadow);
  const inShadow = result.verdicts.filter((verdict) => verdict.shadow);
  const rules = (verdicts: readonly RuleVerdict[]) => verdicts.map((verdict) => verdict.rule);
  const labels = new Set(acting.flatMap((verdict) => verdict.effects.map(shown)));
  const values = Object.assign({}, ...result.verdicts.map((verdict) => verdict.values)) as Record<
    string,
    unknown
  >;
  return [
    ...different("fired", expected.fired, rules(acting)),
    ...(expected.labels ? different("labels", expected.labels, [...labels]) : []),
    ...(expected.shadow ? different("shadow", expected.shadow, rules(inShadow)) : []),
    ...(expected.verdicts ? different("verdicts", expected.verdicts, result.declared) : []),
    ...Object.entries(expected.values ?? {})
      .filter(([name, value]) => JSON.stringify(values[name]) !== JSON.stringify(value))
      .map(
        ([name, value]) =>
          `values ${name}: expected ${JSON.stringify(value)}, found ${JSON.stringify(values[name])}`,
      ),
    ...result.failed
      .filter(({ rule }) => result.trace.some((one) => one.name === rule))
      .map(({ rule, reason }) => `${rule} gave no answer: ${reason}`),
  ];
}

const shown = ({ status, entityType, entityId, label }: RuleVerdict["effects"][number]) =>
  `${status === "removed" ? "-" : ""}${entityType}/${entityId}/${label}`;

function different(what: string, expected: readonly string[], found: readonly string[]): string[] {
  return [
    ...expected
      .filter((one) => !found.includes(one))
      .map((one) => `${what}: - ${one} (expected, and not found)`),
    ...found
      .filter((one) => !expected.includes(one))
      .map((one) => `${what}: + ${one} (found, and not expected)`),
  ];
}

/** Of rules that should have fired, or should not have: each condition, and the values that decided. */
function traceOf({ fired, shadow = [] }: Fixture, result: RuleResult): string[] {
  const expected = new Set([...fired, ...shadow]);
  return result.trace
    .filter((rule) => (rule.fired === true) !== expected.has(rule.name))
    .flatMap(ruleInWords);
}

/** A rule of a trace, for people: what it came to, and why. */
export function ruleInWords({ name, file, line, fired, conditions, features }: RuleTrace): string[] {
  const outcome = fired === null ? "failed" : fired ? "fired" : "silent";
  return [
    `${name} (${file}:${line}): ${outcome}`,
    ...conditions.map((one) => `  ${mark(one.value)} ${one.text}`),
    `  ${Object.entries(features)
      .map(([feature, value]) => `${feature}=${JSON.stringify(value)}`)
      .join("  ")}`,
  ];
}

const mark = (value: boolean | null) => (value === null ? "failed" : value ? "yes   " : "no    ");

function inWords({ file, line, name, why, differences, trace }: Failure): string {
  const head = `${file}:${line}${name === "" ? "" : `: ${name}`}`;
  const details = [...(why === "" ? [] : [why]), ...differences, ...trace];
  return [head, ...details.map((one) => `  ${one.replaceAll("\n", "\n  ")}`), ""].join("\n");
}
