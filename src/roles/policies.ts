import type { Bus, Subscription } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import { openSnapshot, POLICY_TOPIC, type MemberPolicy, type PolicyBook } from "../policy/index.ts";

/** A relay node learns what core says of its members. Over brokers it believes only what core signed. */
export function followPolicies(options: {
  bus: Pick<Bus, "subscribe">;
  group: string;
  policyBook: Pick<PolicyBook, "apply">;
  /** Absent: core is in this process, and nothing is sealed. */
  sealed: Parameters<typeof openSnapshot>[1] | undefined;
  log: Logger;
  metrics: Pick<Metrics, "policiesRefused">;
}): Subscription {
  const { bus, group, policyBook, sealed, log, metrics } = options;

  async function read(value: unknown): Promise<MemberPolicy | undefined> {
    if (!sealed) return value as MemberPolicy;
    const opened = await openSnapshot(value, sealed);
    if (opened.ok) return opened.policy;
    metrics.policiesRefused.inc();
    log.error({ member: opened.did, why: opened.why }, "a policy is not believed, and left out");
    return undefined;
  }

  return bus.subscribe(
    POLICY_TOPIC,
    group,
    async (batch) => {
      for (const { value } of batch) {
        const policy = await read(value);
        if (policy) await policyBook.apply(policy);
      }
    },
    // The topic holds the latest policy of each member: told all of it again, a spool that was lost or restored knows them.
    0,
  );
}
