import type { ContentFacts } from "../../breaker/index.ts";
import type { MessageFacts } from "../../event/index.ts";
import type { PauseCause } from "../../policy/index.ts";
import { domainOf } from "../../policy/index.ts";
import type { RelayContext } from "../context.ts";
import type { Who } from "./login.ts";

/** What is known of a message by its content and recipients. */
export type Known = {
  facts: ContentFacts | undefined;
  template: string | null;
  /** Of each recipient, in their order: the member has not had mail delivered to it. */
  firstTimes: readonly boolean[];
  /** For events. */
  told: Pick<MessageFacts, "template" | "template_known" | "first_time">;
};

export type Content = ReturnType<typeof createContent>;

/** What the breaker knows of messages, and how it stops a credential. */
export function createContent({ policyBook, spool, clock, event, log }: RelayContext) {
  return {
    look(): Known {
      return { facts: undefined, template: null, firstTimes: [], told: {} };
    },

    accepted(): void {},

    /** Stops the credential at once; the pause and what core is told of it are written together. */
    pause({ member, credential }: Who, cause: PauseCause, facts: ContentFacts | undefined): void {
      const { did } = member;
      const now = policyBook.byDid(did)?.credentials.find(({ id }) => id === credential.id);
      if (now?.breaker) return;
      const at = clock.now();
      const data = {
        dedupe_key: `paused:${credential.id}:${at}`,
        member: { did, domain: domainOf(member, credential.domains[0] ?? "")?.name ?? "" },
        credential: credential.id,
        detail: { cause, pause_at: at, ...facts },
      };
      Promise.all([
        policyBook.pause({ did, credential: credential.id, cause, at }),
        spool.appendEvents([event("member_paused", data)]),
      ]).catch((err: unknown) => log.error({ err, member: did }, "a pause could not be written down"));
    },
  };
}
