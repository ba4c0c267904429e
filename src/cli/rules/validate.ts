import { compile, lint, renderDiagnostic } from "../../protocol/sml/index.ts";
import { loadRules, readLabels, rulesOf, shadowFaults, type RuleSet } from "../../rules/index.ts";
import { EXIT, outputFor, plain } from "../output.ts";

type Options = { json?: boolean; strict?: boolean; labelsConfig?: string };

/** The rules of a directory, with the labels of a file where one is named. Throws `RulesError`. */
export async function readRules(dir: string, labelsConfig: string | undefined): Promise<RuleSet> {
  const set = await loadRules(dir);
  return labelsConfig === undefined ? set : { ...set, labels: await readLabels(labelsConfig) };
}

/** `atmos rules validate`: exit 1 where Osprey would refuse the directory. */
export async function validate(dir: string, options: Options): Promise<number> {
  const out = outputFor(options);
  const read = await readRules(dir, options.labelsConfig).catch((error: unknown) => {
    if (error instanceof Error && error.name === "RulesError") return error.message;
    throw error;
  });
  if (typeof read === "string") {
    process.stderr.write(`${plain(read)}\n`);
    out.result({ valid: false, error: read, diagnostics: [], warnings: [] });
    return EXIT.fault;
  }
  const compiled = compile(read.files, read.labels);
  const files = Object.keys(read.files).length;
  if (!compiled.ok) {
    const { diagnostics } = compiled;
    for (const one of diagnostics) out.say(`${plain(renderDiagnostic(one, read.files[one.file]))}\n`);
    out.say(`${diagnostics.length} ${diagnostics.length === 1 ? "fault" : "faults"} in ${files} files.`);
    out.result({ valid: false, files, diagnostics, warnings: [] });
    return EXIT.fault;
  }
  const warnings = lint(compiled.program);
  for (const one of warnings) out.say(`${plain(renderDiagnostic(one, read.files[one.file]))}\n`);
  const faults = shadowFaults(read, compiled.program);
  const rules = rulesOf(compiled.program).length;
  for (const one of faults) out.say(plain(one));
  const warned =
    warnings.length === 0
      ? ""
      : `, with ${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}`;
  if (faults.length === 0) out.say(`${files} files with ${rules} rules are right${warned}.`);
  const shadow = faults.map((message) => ({ file: "shadow.json", message }));
  out.result({ valid: faults.length === 0, files, rules, diagnostics: shadow, warnings });
  const isRefused = faults.length > 0 || (options.strict === true && warnings.length > 0);
  return isRefused ? EXIT.fault : EXIT.ok;
}
