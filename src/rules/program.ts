import { nearest } from "../lib/nearest.ts";
import { compile, renderDiagnostic } from "../protocol/sml/index.ts";
import { RulesError, type RuleSet } from "./rule-set.ts";

type Compilation = ReturnType<typeof compile>;
export type Program = Extract<Compilation, { ok: true }>["program"];

/** A rule as it is written. */
export type RuleText = {
  name: string;
  file: string;
  line: number;
  /** The assignment that makes it. */
  source: string;
  /** Its sentence, with `{Name}` for what is filled in. */
  description: string;
};

const SHOWN = 10;

/** Compiles the rules. Throws `RulesError` when anything is wrong: nothing should run on half a rule set. */
export function compileSet(set: RuleSet): Program {
  const { files, labels } = set;
  const compiled = compile(files, labels);
  if (!compiled.ok) {
    const shown = compiled.diagnostics.slice(0, SHOWN).map((one) => renderDiagnostic(one, files[one.file]));
    const more = compiled.diagnostics.length - shown.length;
    throw new RulesError([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"));
  }
  const faults = shadowFaults(set, compiled.program);
  if (faults.length > 0) throw new RulesError(faults.join("\n"));
  return compiled.program;
}

/** Names of the shadow list that are no rule and no label here: a misspelt name would let a rule act that should not. */
export function shadowFaults({ shadow, labels }: RuleSet, program: Program): string[] {
  const rules = rulesOf(program).map((rule) => rule.name);
  const known = Object.keys(labels ?? {});
  return [...unknown("rule", shadow?.rules ?? [], rules), ...unknown("label", shadow?.labels ?? [], known)];
}

function unknown(kind: string, given: readonly string[], known: readonly string[]): string[] {
  return given
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const hint = near === undefined ? `take it out of the list, or define it` : `did you mean ${near}?`;
      return `shadow.json: there is no ${kind} ${JSON.stringify(name)} here\n  ${hint}`;
    });
}

/** All rules of a program, whether or not their files run, by file and line. */
export function rulesOf({ files }: Program): RuleText[] {
  const found: RuleText[] = [];
  for (const { path, text, statements } of files.values()) {
    for (const statement of statements) {
      if (statement.kind !== "assign" || statement.value.kind !== "call") continue;
      const { value, target, span } = statement;
      if (value.function !== "Rule") continue;
      const said = value.args.find((argument) => argument.name === "description")?.value;
      found.push({
        name: target.id,
        file: path,
        line: span.line,
        source: text.slice(span.start, span.end),
        description: said?.kind === "text" ? said.value : said?.kind === "format" ? said.template : "",
      });
    }
  }
  return found.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}
