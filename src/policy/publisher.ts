import type { Clock } from "../lib/clock.ts";
import type { Bus } from "../platform/bus/index.ts";
import type { Database, Migration } from "../platform/database.ts";
import { POLICY_TOPIC, type MemberPolicy } from "./types.ts";

export const policyPublisherMigration: Migration = {
  module: "policy-publisher",
  steps: [
    `CREATE TABLE policy_published (
       did TEXT PRIMARY KEY, version INTEGER NOT NULL, policy TEXT NOT NULL, sent INTEGER NOT NULL
     ) STRICT;`,
  ],
};

export type PolicyPublisher = ReturnType<typeof createPolicyPublisher>;

/**
 * Core's side: tells relay nodes what changed, with rising versions, and nothing twice; but once after each start also what
 * did not change. A database that was put back from a copy knows neither what nodes heard since nor how far versions had
 * come, so they are no lower than the time in ms.
 */
export function createPolicyPublisher(
  db: Database,
  bus: Bus,
  clock: Pick<Clock, "now">,
  /** As it travels; default: as it is. */
  close: (policy: MemberPolicy) => Promise<unknown> = async (policy) => policy,
  /** The relay node in this process, which is not to wait for brokers that are away. */
  tellHere: (policies: readonly MemberPolicy[]) => Promise<void> = async () => undefined,
) {
  const toldSinceStart = new Set<string>();
  return {
    /** Publishes the policies that differ from what was sent last. A crash before the bus has it sends it again. */
    async publish(policies: readonly Omit<MemberPolicy, "version">[]): Promise<number> {
      const fresh: MemberPolicy[] = [];
      db.transaction(() => {
        for (const policy of policies) {
          const last = db.get<{ version: number; policy: string; sent: number }>(
            "SELECT version, policy, sent FROM policy_published WHERE did = ?",
            policy.did,
          );
          const text = JSON.stringify(policy);
          if (last?.policy === text && last.sent === 1 && toldSinceStart.has(policy.did)) continue;
          const version = Math.max((last?.version ?? 0) + 1, clock.now());
          fresh.push({ ...policy, version });
          db.run(
            `INSERT INTO policy_published (did, version, policy, sent) VALUES (?, ?, ?, 0)
             ON CONFLICT (did) DO UPDATE SET version = excluded.version, policy = excluded.policy, sent = 0`,
            policy.did,
            version,
            text,
          );
        }
      });
      await tellHere(fresh);
      await bus.publish(
        POLICY_TOPIC,
        await Promise.all(fresh.map(async (policy) => ({ key: policy.did, value: await close(policy) }))),
      );
      db.transaction(() => {
        for (const { did, version } of fresh) {
          db.run("UPDATE policy_published SET sent = 1 WHERE did = ? AND version = ?", did, version);
        }
      });
      for (const { did } of fresh) toldSinceStart.add(did);
      return fresh.length;
    },
  };
}
