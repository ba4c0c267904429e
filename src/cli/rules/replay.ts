import { isoTimes } from "../../lib/iso-times.ts";
import { createEmbeddedEngine, loadRules } from "../../rules/index.ts";
import { CommandError, EXIT, outputFor, plain } from "../output.ts";
import type { StoredEvent } from "../../roles/rules-desk.ts";
import { openBooks } from "./books.ts";
import { createReplay, type MemberReplay } from "./replay-run.ts";

type Options = {
  since: string;
  until?: string;
  member?: string[];
  db?: string;
  env?: string;
  json?: boolean;
};

const AT_ONCE = 500;
const PROGRESS_MS = 2_000;

/** `atmos rules replay`: progress goes to standard error. */
export async function replay(dir: string, options: Options): Promise<number> {
  const out = outputFor(options);
  const [since, until] = [timeOf("--since", options.since), timeOf("--until", options.until)];
  const engine = createEmbeddedEngine(await loadRules(dir));
  const books = await openBooks(options);
  const run = createReplay({
    engine,
    since: since!,
    until: until ?? Infinity,
    members: options.member ?? [],
  });
  let told = performance.now();
  let batch: StoredEvent[] = [];
  const take = () => {
    run.take(batch);
    batch = [];
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    const { events, judged } = run.counts();
    process.stderr.write(`${events} events read, ${judged} judged\n`);
  };
  for await (const event of books.events()) {
    batch.push(event);
    if (batch.length === AT_ONCE) take();
  }
  take();
  for await (const verdict of books.verdicts(since!)) run.done(verdict);
  const members = run.members();
  const counts = run.counts();
  run.close();
  out.result({
    rulesHash: engine.hash,
    sinceAt: since,
    untilAt: until ?? null,
    ...counts,
    different: members.filter((one) => one.different).length,
    members: isoTimes(members),
  });
  for (const one of members) for (const line of inWords(one)) out.say(plain(line));
  const different = members.filter((one) => one.different).length;
  out.say(
    `${counts.events} events read, ${counts.judged} judged. ${different} members would have fared otherwise.` +
      (counts.errors > 0 ? ` The rules met ${counts.errors} errors.` : ""),
  );
  return EXIT.ok;
}

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?$/.test(text)
    ? Date.parse(text.includes("T") && !text.endsWith("Z") ? `${text}Z` : text)
    : Number.NaN;
  if (Number.isNaN(at))
    throw new CommandError(`${option} ${text}: say 2026-05-01 or 2026-05-01T12:00:00Z.`, EXIT.usage);
  return at;
}

function inWords({ did, different, rules, done, would }: MemberReplay): string[] {
  const path = ({ standing, changes }: MemberReplay["done"]) =>
    changes.length === 0
      ? `stays ${standing}`
      : changes
          .map(({ at, to, why }) => `${to} on ${new Date(at).toISOString().slice(0, 16)} (${why})`)
          .join(", ");
  return [
    `${different ? "!" : " "} ${did}`,
    `    done:  ${path(done)}`,
    `    would: ${path(would)}`,
    ...rules.map((one) => {
      const shadow =
        one.doneInShadow + one.wouldInShadow > 0
          ? `; in shadow ${one.doneInShadow}, would ${one.wouldInShadow}`
          : "";
      return `    ${one.rule}: fired ${one.done}, would ${one.would}${shadow}`;
    }),
  ];
}
