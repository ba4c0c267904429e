import { isTokenInUse } from "../account/index.ts";
import { systemClock } from "../lib/clock.ts";
import type { LeavePages, MemberLeaveView } from "../web/index.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import { wordsFor, type DeskRefusal } from "./member-desk-parts.ts";
import { consequencesOf, keptParts } from "./member-leave-words.ts";
import type { RunningRelay } from "./relay.ts";

type LeaveParts = { core: Core; labeler: Labeler | undefined; relay: RunningRelay | undefined };

const MOST_COUNTED = 10_000;

export type LeaveDesk = ReturnType<typeof createLeaveDesk>;

/** Leaving and deletion, as the owner of a member does them, by its pages and by the API. */
export function createLeaveDesk({ core, labeler, relay }: LeaveParts) {
  /** Recipients to whom mail waits; nothing is changed by asking. */
  async function waiting(did: string): Promise<number | null> {
    if (!relay) return null;
    const ask = { filter: { did }, by: "a page", why: "counted", dryRun: true, limit: MOST_COUNTED };
    return (await relay.queue.act("drop", ask)).recipients;
  }

  return {
    /** Null: there is no such member. */
    async view(did: string): Promise<MemberLeaveView | null> {
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
    async leave(did: string, by: string, reason: string): Promise<DeskRefusal | null> {
      const left = core.admission.leave(did, { by, reason });
      if ("error" in left) return wordsFor(left);
      await core.told();
      return null;
    },

    /** Deletes what need not stay of who has left. */
    async forget(did: string, by: string): Promise<DeskRefusal | null> {
      const forgotten = await core.admission.forget(did, by);
      if ("error" in forgotten) return wordsFor(forgotten);
      await core.told();
      return null;
    },
  };
}

const done = (refused: DeskRefusal | null) =>
  refused ? { refused: refused.message } : { done: true as const };

export const createLeavePages = (desk: LeaveDesk): LeavePages => ({
  view: desk.view,
  leave: async (did, by, reason) => done(await desk.leave(did, by, reason)),
  forget: async (did, by) => done(await desk.forget(did, by)),
});
