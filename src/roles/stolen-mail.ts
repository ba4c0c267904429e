import type { Logger } from "../platform/log.ts";
import type { PolicyBook } from "../policy/index.ts";
import type { QueueFilter, QueueRequest, QueueResult } from "../spool/index.ts";
import type { QueueDesk } from "./queue-desk.ts";

type Dropping = Pick<QueueDesk, "act">;

/** Drops all that matches, however much it is. What is in delivery at this moment stays (`inFlight`). */
export async function dropAll(
  queue: Dropping,
  request: Pick<QueueRequest, "filter" | "by" | "why">,
): Promise<QueueResult> {
  const total: QueueResult = {
    recipients: 0,
    messages: 0,
    messageIds: [],
    inFlight: 0,
    kept: 0,
    more: false,
  };
  for (;;) {
    const { recipients, messages, inFlight, more } = await queue.act("drop", request);
    total.recipients += recipients;
    total.messages += messages;
    total.inFlight = inFlight;
    if (!more || recipients === 0) return total;
  }
}

/**
 * Drops what credentials have in the spool that somebody else than their owner used: also what was in delivery when core
 * said so and came back, what was taken in that same second, and what a restored spool brings again. Nobody is told.
 */
export async function dropStolen(options: {
  policyBook: Pick<PolicyBook, "all">;
  queue: Dropping;
  log: Logger;
}): Promise<void> {
  const { policyBook, queue, log } = options;
  const stolen = policyBook
    .all()
    .flatMap(({ did, credentials }) =>
      credentials.flatMap(({ id, stolen: isStolen }): QueueFilter[] =>
        isStolen ? [{ did, credential: id }] : [],
      ),
    );
  for (const filter of stolen) {
    const { recipients } = await dropAll(queue, { filter, by: "the relay", why: "It was not the member." });
    if (recipients > 0) log.info({ ...filter, recipients }, "mail of a stolen credential dropped");
  }
}
