import type { EventData } from "../event/index.ts";
import type { MessageView, RecipientView } from "../spool/index.ts";

/** What events say of a message that something came back of. */
export function factsOf(message: MessageView) {
  return {
    member: { did: message.did, domain: message.fromDomain },
    ...(message.credential !== null && { credential: message.credential }),
    message: {
      id: message.id,
      size: message.size,
      recipients: message.recipients.length,
      stream: message.stream,
      received_at: message.receivedAt,
    },
  } satisfies Partial<EventData>;
}

/** The host has said yes and we have not recorded it: a recipient waits for five days at most, so this has an end. */
export function isUnderWay({ state }: RecipientView): boolean {
  return state === "queued" || state === "deferred" || state === "held";
}
