import { resolve } from "node:path";
import type { Envelope } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { createEmbeddedEngine, type EmbeddedEngine, type RuleResult, type RulesEngine } from "./engine.ts";
import { createRuleHealth } from "./health.ts";
import { createJudgements } from "./judgements.ts";
import { loadRules } from "./load.ts";
import { RulesError, type RuleSet } from "./rule-set.ts";

type StoreOptions = {
  db: Database;
  log: Logger;
  metrics: Pick<Metrics, "ruleErrors" | "rulesRefused">;
  clock: Clock;
};

/** A directory that was refused: the rules before it go on. */
type Refused = { directory: string; at: number; message: string };

export type RuleStore = ReturnType<typeof createRuleStore>;

/**
 * The rules that are in force, and every set that ever was, by hash. A directory that is not right is refused, with its
 * diagnostics, and the last good set stays.
 */
export function createRuleStore({ db, log, metrics, clock }: StoreOptions) {
  const judgements = createJudgements(db);
  const health = createRuleHealth(log, metrics, () => clock.now());
  let current: EmbeddedEngine | undefined;
  let from = { directory: "", since: 0 };
  /** Where rules are read, whatever is in force. */
  let configured = "";
  let refused: Refused | null = null;

  function take(set: RuleSet, directory: string): EmbeddedEngine {
    const engine = createEmbeddedEngine(set);
    const now = clock.now();
    db.run(
      `INSERT INTO rule_set (hash, content, directory, first_at, used_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (hash) DO UPDATE SET directory = excluded.directory, used_at = excluded.used_at`,
      engine.hash,
      JSON.stringify(set),
      directory,
      now,
      now,
    );
    from = { directory, since: engine.hash === current?.hash ? from.since : now };
    health.forget();
    return engine;
  }

  function lastGood(): { hash: string; directory: string; used_at: number } | undefined {
    return db.get("SELECT hash, directory, used_at FROM rule_set ORDER BY used_at DESC, rowid DESC LIMIT 1");
  }

  /** Reads the directory. Returns the message of what is wrong with it, or nothing. */
  async function load(directory: string): Promise<string | undefined> {
    try {
      current = take(await loadRules(directory), directory);
      refused = null;
      metrics.rulesRefused.set(0);
      return undefined;
    } catch (error) {
      if (!(error instanceof RulesError)) throw error;
      refused = { directory, at: clock.now(), message: error.message };
      metrics.rulesRefused.set(1);
      return error.message;
    }
  }

  const running = (): EmbeddedEngine => {
    if (current) return current;
    throw new Error("no rules are open");
  };

  const engine: RulesEngine = {
    get hash() {
      return running().hash;
    },
    get shadow() {
      return running().shadow;
    },
    judges: (action) => running().judges(action),
    sourceOf: (rule) => running().sourceOf(rule),
    /** Keeps the event as rules saw it, in the transaction around it. */
    evaluate(envelope: Envelope, options) {
      const { hash, evaluate } = running();
      const result = evaluate(envelope, options);
      judgements.keep(envelope, hash, result.verdicts.length > 0);
      health.note(result, envelope.data.action_id);
      return result;
    },
  };

  return {
    engine,

    /** At the start. On a bad directory the last good set goes on; without one it throws `RulesError`. */
    async open(path: string): Promise<void> {
      const directory = resolve(path);
      configured = directory;
      const message = await load(directory);
      if (message === undefined) return;
      const last = lastGood();
      if (!last) throw new RulesError(message);
      current = createEmbeddedEngine(setOf(db, last.hash)!);
      from = { directory: last.directory, since: last.used_at };
      log.error(
        { directory, problem: message, rules: last.hash },
        "THE RULE DIRECTORY IS REFUSED: the last good rules stay in force; mend it, then atmos rules reload",
      );
    },

    /** Takes the directory as it is now; a bad one changes nothing. */
    async reload(): Promise<{ ok: boolean; changed: boolean; message: string }> {
      const directory = configured;
      const before = running().hash;
      const message = await load(directory);
      if (message !== undefined) {
        log.error(
          { directory, problem: message, rules: before },
          "rules were not reloaded: the directory is refused",
        );
        return { ok: false, changed: false, message };
      }
      const changed = running().hash !== before;
      log.info({ directory, rules: running().hash, changed }, "rules reloaded");
      return { ok: true, changed, message: "" };
    },

    status: () => {
      const { hash, rules, shadow } = running();
      return { hash, ...from, rules: rules.length, shadow, refused, failures: health.failures() };
    },

    rules: () => running().rules,
    /** The rules taken apart, for people to read. */
    readings: () => running().readings,
    isInShadow: (rule: string) => running().shadow.rules.includes(rule),

    /** Every rule at an event that was judged, by the rules of that time; undefined when it is not kept. */
    explain: (actionId: string): Explanation | undefined => explain(db, actionId),
  };
}

export type Explanation = {
  envelope: Envelope;
  rulesHash: string;
  result: RuleResult;
  /** Rules of that set in files that did not run. */
  notRun: string[];
};

function setOf(db: Database, hash: string): RuleSet | undefined {
  const row = db.get<{ content: string }>("SELECT content FROM rule_set WHERE hash = ?", hash);
  return row && (JSON.parse(row.content) as RuleSet);
}

/** Every rule at an event that was judged, by the rules of that time, from the file of core; undefined when it is not kept. */
export function explain(db: Database, actionId: string): Explanation | undefined {
  const judged = createJudgements(db).get(actionId);
  const set = judged && setOf(db, judged.rulesHash);
  if (!judged || !set) return undefined;
  const engine = createEmbeddedEngine(set);
  const result = engine.evaluate(judged.envelope, { trace: true });
  const ran = new Set(result.trace.map((rule) => rule.name));
  const notRun = engine.rules.map((rule) => rule.name).filter((name) => !ran.has(name));
  return { ...judged, result, notRun };
}
