import type * as deliveryLexicon from "../../protocol/lexicon/community/email/getDelivery.ts";
import type * as messageLexicon from "../../protocol/lexicon/community/email/getMessage.ts";
import type * as messagesLexicon from "../../protocol/lexicon/community/email/listMessages.ts";
import {
  maskAddress,
  maskText,
  type Attempt,
  type DeliveryView,
  type MemberMessage,
  type MessageFound,
  type MessageLog,
  type ProviderDelivery,
} from "../../web/index.ts";
import { datetime } from "../xrpc-view.ts";
import { present, time } from "./view-parts.ts";

/** A member's mail in the words of the lexicons. Addresses are masked here, as the pages do. */

export function logBody({ messages, next, isKnown }: MessageLog): messagesLexicon.$OutputBody {
  return present({
    messages: messages.map(messageView),
    cursor: next === null ? null : String(next),
    isKnown,
  }) satisfies messagesLexicon.$OutputBody;
}

export function foundBody({ message, sender, credential, told }: MessageFound): messageLexicon.$OutputBody {
  return present({
    message: messageView(message),
    returnPath: sender === "" ? null : maskAddress(sender),
    credential,
    told: told.map(({ at, kind, address, sentTo, text }) =>
      present({
        at: datetime(at),
        kind,
        address: maskAddress(address),
        sentTo: sentTo === null ? null : maskAddress(sentTo),
        text: maskText(text, address),
      }),
    ),
  }) satisfies messageLexicon.$OutputBody;
}

function messageView(message: MemberMessage): messagesLexicon.Message {
  const { id, at, domain, stream, size, recipients, moreRecipients } = message;
  return present({
    id,
    at: datetime(at),
    domain,
    stream,
    size,
    recipients: recipients.map(recipientView),
    moreRecipients: moreRecipients ?? null,
  });
}

function recipientView(recipient: MemberMessage["recipients"][number]): messagesLexicon.Recipient {
  const { address, state, nextAttemptAt, waits, dropped, attempts, earlierAttempts } = recipient;
  const masked = (text: string | undefined) => (text === undefined ? null : maskText(text, address));
  return present({
    address: maskAddress(address),
    state,
    nextAttemptAt: time(nextAttemptAt),
    waits: masked(waits),
    droppedBy: dropped?.by ?? null,
    droppedWhy: masked(dropped?.why),
    attempts: attempts.map((attempt) => attemptView(attempt, address)),
    earlierAttempts: earlierAttempts ?? null,
  });
}

function attemptView(attempt: Attempt, address: string): messagesLexicon.Attempt {
  const { server, code, enhanced, fault, rule, advice, egress, tls, tlsPolicy } = attempt;
  return present({
    at: datetime(attempt.at),
    server,
    code,
    enhanced,
    text: maskText(attempt.text, address),
    class: attempt.class,
    isPermanent: attempt.permanent,
    fault,
    rule,
    advice: advice ?? null,
    egress,
    tls,
    tlsPolicy,
    conversation: attempt.conversation.map((line) => maskText(line, address)),
  });
}

export function deliveryBody({ since, providers, codes }: DeliveryView): deliveryLexicon.$OutputBody {
  return {
    since: datetime(since),
    providers: providers.map(({ id, name, delivered, deferred, bounced, took, days }) => ({
      id,
      name,
      delivered,
      deferred,
      bounced,
      took: tookView(took),
      days: days.map((day) => ({ ...day, at: datetime(day.at) })),
    })),
    codes: {
      took: tookView(codes),
      late: codes.late.map(({ message, provider, handedIn, doneAt }) =>
        present({ message, provider, handedInAt: datetime(handedIn), doneAt: time(doneAt) }),
      ),
      slow: codes.slow.map(({ isPools, provider, since, until, known, slow, waiting, longestMs }) =>
        present({
          isPools,
          provider,
          since: datetime(since),
          until: time(until),
          known,
          slow,
          waiting,
          longestMs: Math.round(longestMs),
        }),
      ),
    },
  } satisfies deliveryLexicon.$OutputBody;
}

const tookView = ({ n, half, most, slowest }: ProviderDelivery["took"]): deliveryLexicon.Took =>
  present({
    count: n,
    half: half && present(half),
    most: most && present(most),
    slowest: slowest && present(slowest),
  });
