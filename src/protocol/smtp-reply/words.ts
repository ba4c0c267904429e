import type { Classified, ReplyClass, ReplyFault } from "./classify.ts";

/** What a class means for the member whose mail it is: what happened, and what the member can do. */
const WORDS: Record<ReplyClass, string> = {
  ok: "The receiving server took the message.",
  "bad-mailbox":
    "There is no such mailbox, or it is closed. Check the address, or ask the person for another.",
  "bad-domain": "The domain does not exist or takes no mail. Check the address.",
  "mailbox-full": "The mailbox is full. Only its owner can make room.",
  policy: "A rule of the receiving side forbids it. The recipient can ask its provider to let your mail in.",
  blocked: "The receiving side refuses mail from our address for now. That is the pool's to mend.",
  authentication:
    "The receiving side could not make sure that the mail is from your domain. Look at the checks of your domain: SPF, DKIM, DMARC.",
  content:
    "The receiving side takes the message for spam or unsafe. Look at its text, its links and its attachments.",
  "too-large": "The message is larger than the receiving side takes. Send less, or a link.",
  greylisted:
    "The receiving side asks every new sender to come again. That is usual, and needs nothing of you.",
  "rate-limited":
    "The receiving side wants less mail at once, from us or for this mailbox. That is the pool's to pace.",
  "no-tls": "The receiving side offers no encryption that we may use, and mail does not leave in clear.",
  network: "The receiving server could not be reached.",
  expired: "It could not be delivered in five days.",
  system: "The receiving server has a fault of its own for now.",
  unknown: "The receiving side refused it without a reason that we know.",
};

/** Who can mend it, for a member. */
export const FAULT_WORDS: Record<ReplyFault, string> = {
  recipient: "the recipient's: its address or its mailbox",
  member: "yours: the message, or the settings of your domain",
  pool: "the pool's: nothing for you to do",
  remote: "the receiving server's",
  none: "nobody's",
};

/** For a member, in plain words: what a judged reply means, and what follows. */
export function explain({ class: kind, permanent }: Pick<Classified, "class" | "permanent">): string {
  if (kind === "ok") return WORDS.ok;
  const next = permanent
    ? "The message is given back, and not tried again."
    : "It is tried again for up to five days; you need not send it again.";
  return `${WORDS[kind]} ${next}`;
}
