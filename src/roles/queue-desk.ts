import type { EventMaker } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import { limitsOf, whyHeld, type PolicyBook } from "../policy/index.ts";
import { recipientFacts, type Relay } from "../relay/index.ts";
import type {
  HoldOwner,
  MessageView,
  OperationView,
  AttemptView,
  QueueAction,
  QueueEntry,
  QueueRequest,
  QueueResult,
  Spool,
  ToldView,
} from "../spool/index.ts";

export type QueueDeskOptions = {
  spool: Spool;
  relay: Pick<Relay, "bounce" | "wake">;
  policyBook: Pick<PolicyBook, "byDid">;
  newEvent: EventMaker;
  /** The key of the hash that stands for a recipient in events. */
  recipientKey: Uint8Array;
  clock: Clock;
};

export type QueueDesk = ReturnType<typeof createQueueDesk>;
export type QueueHistory = {
  message: MessageView;
  attempts: AttemptView[];
  operations: OperationView[];
  /** What the member was told of it. */
  told: ToldView[];
};

/** What people do with the queue of a node, with all that belongs to it: notices, events, the member's pace. */
export function createQueueDesk(options: QueueDeskOptions) {
  const { spool, relay, policyBook, newEvent, recipientKey, clock } = options;

  const perHour = (did: string) => {
    const member = policyBook.byDid(did);
    return member ? limitsOf(member).hour.limit : 1;
  };

  const paused = ({ did, fromDomain, credential }: QueueEntry) => {
    const member = policyBook.byDid(did);
    return member !== undefined && whyHeld(member, fromDomain, credential) !== undefined;
  };

  const dropped = (entry: QueueEntry) =>
    newEvent("recipient_dropped", {
      dedupe_key: `dropped:${entry.id}`,
      member: { did: entry.did, domain: entry.fromDomain },
      ...(entry.credential !== null && { credential: entry.credential }),
      message: {
        id: entry.messageId,
        size: entry.size,
        recipients: 1,
        stream: entry.stream,
        received_at: entry.receivedAt,
      },
      recipient: recipientFacts(recipientKey, entry.address, entry.domain),
    });

  async function act(
    action: QueueAction,
    asked: Omit<QueueRequest, "now">,
    owner: HoldOwner = "committee",
  ): Promise<QueueResult> {
    const request = { ...asked, now: clock.now() };
    switch (action) {
      case "hold":
        return spool.hold({ ...request, hold: { reason: "by-hand", owner, note: asked.why } });
      case "release":
        return spool.release({ ...request, perHour, paused });
      case "requeue":
        return spool.requeue(request);
      case "bounce":
        return relay.bounce(request);
      case "drop":
        return spool.drop({ ...request, event: dropped });
    }
  }

  return {
    list: (...args: Parameters<Spool["list"]>) => spool.list(...args),
    counts: () => spool.counts(),
    now: () => clock.now(),
    async history(id: string): Promise<QueueHistory | undefined> {
      const message = (await spool.message(id)) ?? (await spool.messageByRecipient(id));
      if (!message) return undefined;
      return {
        message,
        attempts: await spool.attempts(message.id),
        operations: await spool.operations(message.id),
        told: await spool.toldOf(message.id),
      };
    },
    async act(action: QueueAction, asked: Omit<QueueRequest, "now">, owner?: HoldOwner) {
      const result = await act(action, asked, owner);
      if (!asked.dryRun) relay.wake();
      return result;
    },
  };
}
