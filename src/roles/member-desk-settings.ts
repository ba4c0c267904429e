import type { BounceChoice } from "../policy/index.ts";
import { presentOf, wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";

export type DeskSettings = {
  /** Where the member is told of its mail. */
  bounces: BounceChoice;
  /** Where replies to its return paths are sent on to; null: nowhere. */
  replies: string | null;
};

/** Where a member is told what, and who acts for it: the same for its pages, the API and the command line. */
export function settingsDesk({ core, people }: Pick<DeskParts, "core" | "people">) {
  const { members } = core;
  return {
    of(did: string): DeskSettings | DeskRefusal {
      const member = presentOf({ core }, did);
      if ("error" in member) return member;
      return { bounces: members.bouncesOf(member), replies: members.repliesOf(member) };
    },

    /** An address must be at a verified domain of the member, or the contact that it was admitted with. */
    async setBounces(did: string, choice: BounceChoice): Promise<BounceChoice | DeskRefusal> {
      const chosen = members.setBounces(did, choice);
      if ("error" in chosen) return wordsFor(chosen);
      await core.told();
      return chosen;
    },

    /** Null: replies are refused. */
    async setReplies(did: string, to: string | null): Promise<{ replies: string | null } | DeskRefusal> {
      const chosen = members.setReplies(did, to);
      if ("error" in chosen) return wordsFor(chosen);
      await core.told();
      return chosen;
    },

    /** Who acts for the member beside its own account; only an owner may change them. */
    people,
  };
}
