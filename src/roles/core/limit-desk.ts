import type { Clock } from "../../lib/clock.ts";
import {
  answerAsk,
  LIMIT_ASK_TOPIC,
  LIMIT_GRANT_TOPIC,
  LimitAsk,
  type LeaseStore,
  type LimitGrant,
} from "../../lease/index.ts";
import type { Bus } from "../../platform/bus/index.ts";
import type { Database } from "../../platform/database.ts";
import type { Logger } from "../../platform/log.ts";
import type { Scheduler } from "../../platform/scheduler.ts";
import { limitsOf, type MemberPolicy } from "../../policy/index.ts";

const PRUNE_EVERY_MS = 3_600_000;

/** Gives relay nodes their shares of members' limits. What is settled and given is on disk before it is told. */
export function followLimits(options: {
  db: Database;
  bus: Bus;
  leases: LeaseStore;
  /** Undefined: there is no such member. */
  policyOf: (did: string) => Pick<MemberPolicy, "tier" | "standing"> | undefined;
  clock: Clock;
  log: Logger;
  scheduler: Scheduler;
}) {
  const { db, bus, leases, policyOf, clock, log } = options;
  options.scheduler.every({
    name: "leases pruned",
    everyMs: PRUNE_EVERY_MS,
    run: async () => leases.prune(clock.now()),
  });

  function answer(ask: LimitAsk): LimitGrant | undefined {
    const { did, node, origin, id } = ask;
    const policy = policyOf(did);
    if (!policy) return undefined;
    const now = clock.now();
    const before = {
      state: leases.state(did),
      share: leases.share(did, node),
      limits: limitsOf(policy),
      ask,
    };
    const after = answerAsk(before, now);
    if (!after) return undefined;
    leases.save(did, node, after, now);
    return { node, did, origin, id, ...after.answer };
  }

  return bus.subscribe(LIMIT_ASK_TOPIC, "core", async (batch, handled) => {
    const grants: LimitGrant[] = [];
    db.transaction(() => {
      for (const { value, seq } of batch) {
        const ask = LimitAsk.safeParse(value);
        const grant = ask.success ? answer(ask.data) : undefined;
        if (grant) grants.push(grant);
        else if (!ask.success) log.error({ seq }, "an ask for limits that cannot be read was left out");
      }
      handled();
    });
    // Lost in a crash here: the node asks again, and what was settled is not settled twice.
    await bus.publish(
      LIMIT_GRANT_TOPIC,
      grants.map((value) => ({ key: value.did, value })),
    );
  });
}
