import { eventTime, type Envelope } from "../../event/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Bus } from "../../platform/bus/index.ts";
import type { RuleEngineChoice } from "../../platform/config/index.ts";
import type { Database } from "../../platform/database.ts";
import type { Logger } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Scheduler } from "../../platform/scheduler.ts";
import {
  createAskedStore,
  differencesOf,
  EffectsMessage,
  verdictsOf,
  type RulesEngine,
  type RuleVerdict,
} from "../../rules/index.ts";

/** Events as rules see them, for Osprey's workers, and what they say of each; both keyed by DID. */
export const ACTIONS_TOPIC = "osprey.actions_input";
export const EFFECTS_TOPIC = "osprey.effects";

const KEPT_MS = 30 * DAY_MS;
const MEASURE_EVERY_MS = 15_000;

export type OspreyDesk = ReturnType<typeof createOspreyDesk>;

export type OspreyDeskOptions = {
  db: Database;
  bus: Bus;
  engine: Exclude<RuleEngineChoice, "embedded">;
  rules: RulesEngine;
  /** What follows from verdicts on an event; in the transaction around it. */
  conclude: (envelope: Envelope, verdicts: readonly RuleVerdict[], rulesHash: string) => void;
  /** Something of this member may have changed, and is on disk. */
  changed: (did: string) => Promise<void>;
  now: () => number;
  log: Logger;
  metrics: Pick<Metrics, "ospreyWaiting" | "ruleDifferences">;
  scheduler: Scheduler;
};

/**
 * Asks Osprey's workers, and does what they say: each action once, however often its answer comes. An event, the question
 * and what the evaluator here says of it are written in one transaction; so are the answer and what follows.
 */
export function createOspreyDesk(options: OspreyDeskOptions) {
  const { db, bus, engine, rules, conclude, now, log, metrics, scheduler } = options;
  const store = createAskedStore(db);
  const leads = engine === "osprey" || engine === "osprey-and-embedded";
  const compares = engine !== "osprey";

  /** Undefined: it was answered before, or nobody asked. Returns whose member it is. */
  function answered(message: EffectsMessage): string | undefined {
    const asked = store.take(message.action_id);
    if (!asked) return undefined;
    const { envelope, own, rulesHash } = asked;
    const { did } = envelope.data.data.member;
    if (!message.judged)
      log.error({ action: message.action_id }, "Osprey gave no answer; what the evaluator here said counts");
    const said = message.judged ? verdictsOf(message, own, rules.shadow) : own;
    if (compares && message.judged) compare(message, own, said, asked);
    if (leads) conclude(envelope, said, message.judged ? message.rules_hash : rulesHash);
    return did;
  }

  function compare(
    message: EffectsMessage,
    own: readonly RuleVerdict[],
    said: readonly RuleVerdict[],
    { envelope, rulesHash }: { envelope: Envelope; rulesHash: string },
  ): void {
    const { action_id: actionId } = message;
    const { did } = envelope.data.data.member;
    const lines =
      message.rules_hash === rulesHash
        ? differencesOf(own, said)
        : [
            `Osprey judged by other rules: ${message.rules_hash.slice(0, 12)}, and here ${rulesHash.slice(0, 12)}`,
          ];
    if (lines.length === 0) return;
    store.differ({ actionId, did, at: eventTime(envelope), lines });
    metrics.ruleDifferences.inc();
    log.error({ action: actionId, member: did, lines }, "the engines do not agree");
  }

  scheduler.every({
    name: "Osprey waited for",
    everyMs: MEASURE_EVERY_MS,
    async run() {
      metrics.ospreyWaiting.set(store.waiting().count);
      store.prune(now() - KEPT_MS);
    },
  });
  const subscription = bus.subscribe(EFFECTS_TOPIC, "core", async (batch, handled) => {
    const dids = new Set<string>();
    db.transaction(() => {
      for (const { value, seq } of batch) {
        const message = EffectsMessage.safeParse(value);
        const did = message.success ? answered(message.data) : undefined;
        if (did !== undefined) dids.add(did);
        if (!message.success)
          log.error({ seq, why: message.error.message }, "effects that cannot be read were left out");
      }
      handled();
    });
    for (const did of dids) await options.changed(did);
  });

  return {
    /** Its verdicts count, and come later. */
    leads,
    /** In the transaction that takes the event. */
    ask(envelope: Envelope, own: readonly RuleVerdict[]): void {
      store.put({ envelope, own: [...own], rulesHash: rules.hash, at: now() });
      bus.hand(ACTIONS_TOPIC, [{ key: envelope.data.data.member.did, value: envelope }]);
    },
    status: () => ({ engine, waiting: store.waiting(), differences: store.countOfDifferences() }),
    differences: store.differences,
    close: () => subscription.close(),
  };
}
