import { explain } from "../../protocol/smtp-reply/index.ts";
import type { AttemptView, MessageView, RecipientView, ToldView } from "../../spool/index.ts";
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

/** A message with every recipient, every attempt and what was told of it, oldest first. */
export function detailView(
  message: MessageView,
  attempts: readonly AttemptView[],
  told: readonly ToldView[],
): MessageDetail {
  const byRecipient = Map.groupBy(attempts, ({ recipientId }) => recipientId);
  return {
    ...summaryOf(message),
    recipients: message.recipients.map((recipient) => ({
      ...recipientOf(recipient),
      attempts: (byRecipient.get(recipient.id) ?? []).map((attempt) => ({
        at: time(attempt.at),
        durationMs: attempt.durationMs,
        host: attempt.host,
        code: attempt.code,
        enhanced: attempt.enhanced,
        text: attempt.text,
        class: attempt.class,
        permanent: attempt.permanent,
        fault: attempt.fault,
        rule: attempt.rule,
        means: explain(attempt),
        egress: attempt.egress || null,
        tls: attempt.tls,
        tlsPolicy: attempt.tlsPolicy,
        conversation: attempt.transcript,
      })),
    })),
    requireTls: message.ask === "require-tls",
    notices: told.map(({ at, kind, address, status, sentTo, text }) => ({
      at: time(at),
      kind,
      recipient: address,
      status,
      sentTo,
      text,
    })),
  };
}
