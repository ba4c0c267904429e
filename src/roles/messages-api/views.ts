import type { AttemptView, MessageView, RecipientView } from "../../spool/index.ts";
import type { MessageDetail, MessageList } from "./schemas.ts";

const time = (ms: number) => new Date(ms).toISOString();

function summaryOf({ id, kind, receivedAt, sender, stream, size, credential }: MessageView) {
  return { id, kind, receivedAt: time(receivedAt), from: sender, stream, size, credential };
}

function recipientOf({ address, state, hold, attempts, nextAt, updatedAt }: RecipientView) {
  const waits = state === "queued" || state === "deferred";
  return {
    address,
    state,
    hold: state === "held" && hold ? { reason: hold.reason, owner: hold.owner } : null,
    nextAttemptAt: waits ? time(nextAt) : null,
    updatedAt: time(updatedAt),
    attempts,
  };
}

/** A page of a member's messages, newest first. */
export function listView(messages: readonly MessageView[], limit: number): MessageList {
  return {
    messages: messages.map((message) => ({
      ...summaryOf(message),
      recipients: message.recipients.map(recipientOf),
    })),
    next: messages.length < limit ? null : String(messages.at(-1)!.seq),
  };
}

/** A message with every recipient and every attempt, oldest first. */
export function detailView(message: MessageView, attempts: readonly AttemptView[]): MessageDetail {
  const byRecipient = Map.groupBy(attempts, ({ recipientId }) => recipientId);
  return {
    ...summaryOf(message),
    recipients: message.recipients.map((recipient) => ({
      ...recipientOf(recipient),
      attempts: (byRecipient.get(recipient.id) ?? []).map(
        ({ at, durationMs, host, code, enhanced, text, class: kind, tls, transcript }) => ({
          at: time(at),
          durationMs,
          host,
          code,
          enhanced,
          text,
          class: kind,
          tls,
          conversation: transcript,
        }),
      ),
    })),
  };
}
