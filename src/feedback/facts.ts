import type { EventData } from "../event/index.ts";
import type { Authentication } from "../protocol/authentication/index.ts";
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
      ...(message.template !== null && { template: message.template }),
    },
  } satisfies Partial<EventData>;
}

const about = (result: string, domain: string) => `${result} ${domain.slice(0, 255)}`.trim();

/** How sure it is who sent a report, as it stands beside the event: a result, with the domain that it is about. */
export function provenance({ spf, dkim, dmarc }: Authentication) {
  const proven = dkim.find(({ result }) => result === "pass");
  return {
    spf: about(spf.result, spf.domain),
    dkim: proven ? about("pass", proven.domain) : (dkim[0]?.result ?? "none"),
    dmarc: about(dmarc.result, dmarc.domain),
  };
}

/** The host has said yes and we have not recorded it: a recipient waits for five days at most, so this has an end. */
export function isUnderWay({ state }: RecipientView): boolean {
  return state === "queued" || state === "deferred" || state === "held";
}
