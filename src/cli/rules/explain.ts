import { EXIT, outputFor, plain } from "../output.ts";
import { openBooks } from "./books.ts";
import { ruleInWords } from "./test-cases.ts";

type Options = { env?: string; db?: string; json?: boolean };

/** `atmos rules explain`. */
export async function explainAction(actionId: string, options: Options): Promise<number> {
  const out = outputFor(options);
  const found = await (await openBooks(options)).explain(actionId);
  out.result(found);
  const { action, sendTime, did, rulesHash, rules, notRun, errors, done } = found;
  const say = (line: string) => out.say(plain(line));
  say(`${actionId} ${action} of ${did} at ${sendTime}, by rules ${rulesHash.slice(0, 12)}`);
  say("");
  for (const rule of rules) {
    for (const line of ruleInWords(rule)) say(line);
    if (rule.description) say(`  says: ${rule.description}`);
    if (rule.shadow) say("  in shadow: nothing followed");
    const [word, effects] = rule.shadow ? ["would give", rule.wouldEffects] : ["gives", rule.effects];
    for (const { status, entityType, entityId, label } of effects ?? [])
      say(`  ${word}: ${status === "removed" ? "-" : ""}${entityType}/${entityId}/${label}`);
  }
  if (notRun.length > 0) say(`Not run, since nothing requires their files: ${notRun.join(", ")}`);
  for (const one of errors) say(`error: ${one.file}:${one.line}: ${one.reason}`);
  say("");
  const fired = done.verdicts.map((one) => `${one.rule}${one.shadow ? " (shadow)" : ""}`);
  say(`Recorded then: ${fired.join(", ") || "no verdict"}`);
  for (const { from, to, rule } of done.standing) say(`Standing: ${from} -> ${to} (${rule})`);
  if (done.standing.length === 0) say("The standing did not change.");
  return EXIT.ok;
}
