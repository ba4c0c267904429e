import { isTokenInUse } from "../account/index.ts";
import { systemClock } from "../lib/clock.ts";
import type { LeavePages } from "../web/index.ts";
import { refusal } from "./admin/refusal.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import { consequencesOf, keptParts } from "./member-leave-words.ts";
import type { RunningRelay } from "./relay.ts";

type LeaveParts = { core: Core; labeler: Labeler | undefined; relay: RunningRelay | undefined };

const MOST_COUNTED = 10_000;

/** Leaving and deletion, as the member does them on its pages. */
export function createLeavePages({ core, labeler, relay }: LeaveParts): LeavePages {
  /** Recipients to whom mail waits; nothing is changed by asking. */
  async function waiting(did: string): Promise<number | null> {
    if (!relay) return null;
    const ask = { filter: { did }, by: "a page", why: "counted", dryRun: true, limit: MOST_COUNTED };
    return (await relay.queue.act("drop", ask)).recipients;
  }

  return {
    async view(did) {
      const member = core.members.get(did);
      if (!member) return null;
      const now = systemClock.now();
      const domains = core.members.domainsOf(did).map(({ name }) => name);
      return {
        did,
        domain: domains[0] ?? member.name,
        membership: member.membership,
        leftAt: member.left_at,
        deletedAt: member.deleted_at,
        consequences: consequencesOf({
          membership: member.membership,
          standing: core.standings.state(did).standing,
          domains,
          credentials: core.members.credentialsOf(did).filter(({ revoked }) => revoked === null).length,
          waiting: member.membership === "member" ? await waiting(did) : 0,
          labels: labeler?.labels.inForceOf(did).length ?? 0,
          people: core.people.of(did).length,
          tokens: core.tokens.of(did, now).filter((one) => isTokenInUse(one, now)).length,
          hasWebhook: core.webhooks.of(did) !== undefined,
        }),
        kept: keptParts(),
      };
    },
    async leave(did, by, reason) {
      const left = core.admission.leave(did, { by, reason });
      if ("error" in left) return { refused: refusal(left).message };
      await core.told();
      return { done: true };
    },
    async forget(did, by) {
      const forgotten = await core.admission.forget(did, by);
      if ("error" in forgotten) return { refused: refusal(forgotten).message };
      await core.told();
      return { done: true };
    },
  };
}
