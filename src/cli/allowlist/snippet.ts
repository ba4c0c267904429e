import { snippets, type Snippet } from "../../allowlist/index.ts";
import { readEnvironment } from "../../platform/config/index.ts";
import { CommandError, EXIT, outputFor } from "../output.ts";
import { zoneName } from "./names.ts";

type Options = { zone?: string; env?: string; json?: boolean };

/** `atmos allowlist snippet [NAME]`: what a mail server's operator puts where; without a name, for which programs. */
export async function allowlistSnippet(name: string | undefined, options: Options): Promise<number> {
  const out = outputFor(options);
  const env = readEnvironment(options.env);
  const all = snippets({ zone: zoneName(options.zone, env) });
  if (name === undefined) {
    for (const one of all) out.say(`${one.name.padEnd(14)}${one.title}`);
    out.result(all);
    return EXIT.ok;
  }
  const one = all.find((snippet) => snippet.name === name.toLowerCase());
  if (!one) {
    const names = all.map((snippet) => snippet.name).join(", ");
    throw new CommandError(`There is nothing for "${name}". There is for: ${names}.`, EXIT.usage);
  }
  for (const line of linesOf(one)) out.say(line);
  out.result(one);
  return EXIT.ok;
}

function linesOf({ title, files, reload, trusts, never, isTested }: Snippet): string[] {
  return [
    `# ${title}`,
    ...(isTested ? [] : ["# Our tests do not run this in the program itself."]),
    ...files.flatMap(({ path, text }) => ["", `# --- ${path}`, text.trimEnd()]),
    "",
    `# Then: ${reload}`,
    `# It trusts: ${trusts}`,
    `# Never: ${never}`,
  ];
}
