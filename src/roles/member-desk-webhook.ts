import type { WebhookReceipt, WebhookView } from "../webhook/index.ts";
import { presentOf, wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";

/** A member's receiver and the messages to it, the newest first. */
export type DeskWebhook = { receiver: WebhookView | null; messages: WebhookReceipt[] };
/** `status` of HTTP; null: there was no answer. */
export type WebhookAnswer = { ok: boolean; status: number | null; why: string };

/** Where a member's own program is told what happens to its sending: the same for its pages, the API and the command line. */
export function webhookDesk({ core }: Pick<DeskParts, "core">) {
  const { webhooks } = core;

  function refusedFor(did: string): DeskRefusal | null {
    const member = presentOf({ core }, did);
    if ("error" in member) return member;
    const { membership } = member;
    return membership === "member" ? null : wordsFor({ error: "has-left", did, membership });
  }

  return {
    of: (did: string): DeskWebhook | DeskRefusal =>
      refusedFor(did) ?? { receiver: webhooks.of(did) ?? null, messages: webhooks.receipts(did) },

    /** Names a receiver, or names it again. The secret is here once, and is a new one each time. */
    set(did: string, url: string, by: string): { url: string; secret: string } | DeskRefusal {
      const refused = refusedFor(did);
      if (refused) return refused;
      const set = webhooks.set(did, url, by);
      return set.ok ? { url: set.url, secret: set.secret } : { error: "BadAddress", message: set.why };
    },

    /** No receiver any more; what waited is dropped. */
    remove(did: string, by: string): { url: null } | DeskRefusal {
      const refused = refusedFor(did);
      if (refused) return refused;
      webhooks.remove(did, by);
      return { url: null };
    },

    /** One message that says nothing happened, sent now, and what was answered. */
    async test(did: string): Promise<WebhookAnswer | DeskRefusal> {
      const refused = refusedFor(did);
      if (refused) return refused;
      const answer = await webhooks.test(did);
      if (answer === undefined)
        return { error: "NoReceiver", message: "No receiver is named yet: name one first." };
      return { ok: answer.ok, status: answer.status, why: answer.ok ? "" : answer.why };
    },
  };
}
