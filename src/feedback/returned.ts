import type { MessageView, RecipientView } from "../spool/index.ts";
import { originOf } from "./authentic.ts";
import { factsOf, isUnderWay, provenance } from "./facts.ts";
import { fateOf, forwardId } from "./human.ts";
import type { FeedbackOptions } from "./index.ts";
import type { Meaning } from "./interpret.ts";
import type { Reading } from "./reading.ts";
import type { Forwarded, Incoming, Received } from "./types.ts";

type Found = { message: MessageView; recipient: RecipientView };

/** A host that takes mail and cannot pass it on gives up within five days, as a rule (RFC 5321 section 4.5.4.1). */
const LATEST_MS = 7 * 86_400_000;

/** What comes back to a return path: reports, automatic answers, and replies of people. */
export function createReturned(options: FeedbackOptions) {
  const { spool, newEvent, recipientKey, inbox, clock, log } = options;

  async function succeeded({ message, recipient }: Found, kind: "delivered" | "relayed"): Promise<void> {
    if (recipient.state !== "delivered") return;
    const notice = await options.aftermath?.(message, recipient, { kind });
    if (!notice) return;
    const now = clock.now();
    const { id: recipientId } = recipient;
    await spool.record([{ recipientId, state: "delivered", nextAt: now, events: [], ...notice }], now);
  }

  /** The host that took the message. */
  async function takenBy({ message, recipient }: Found): Promise<string> {
    const attempts = await spool.attempts(message.id);
    return attempts.findLast((one) => one.recipientId === recipient.id)?.host ?? "";
  }

  async function keep(mail: Incoming, why: string): Promise<Received> {
    const kept = await inbox.keep({
      raw: mail.raw,
      folder: "machine",
      kind: "bounce",
      to: mail.to,
      mailFrom: mail.mailFrom,
      why,
      authentication: mail.authentication.results,
      forward: null,
      at: clock.now(),
    });
    return kept.outcome === "full" ? { outcome: "full" } : { outcome: "kept-for-people", entry: kept.id };
  }

  return {
    /** A report about one delivery of a member's mail. */
    async report(mail: Incoming, { message, recipient }: Found, meaning: Meaning): Promise<Received> {
      if (message.kind !== "mail") return { outcome: "ignored", why: `about a ${message.kind} of the pool` };
      if (meaning.kind === "nothing") {
        const { why } = meaning;
        if (why === "delivered" || why === "relayed") await succeeded({ message, recipient }, why);
        return { outcome: "ignored", why };
      }
      if (meaning.kind === "complained") return { outcome: "ignored", why: "complaint" };
      if (isUnderWay(recipient)) return { outcome: "too-early", recipientId: recipient.id };
      if (recipient.state !== "delivered")
        return { outcome: "ignored", why: `recipient is ${recipient.state}` };
      const now = clock.now();
      if (now - recipient.updatedAt > LATEST_MS)
        return { outcome: "ignored", why: "its delivery is more than seven days ago" };
      const { smtp, about } = meaning;
      const origin = originOf({ ...mail, about, recipient, takenBy: await takenBy({ message, recipient }) });
      const event = newEvent("recipient_bounced", {
        dedupe_key: `bounce:${recipient.id}`,
        late: true,
        ...factsOf(message),
        recipient: {
          key: recipientKey(recipient.address),
          domain: recipient.domain,
          first_time: recipient.firstTime,
        },
        smtp,
        detail: { ...provenance(mail.authentication), ...origin },
      });
      const { authentic } = origin;
      const notice = await options.aftermath?.(message, recipient, { kind: "bounced", smtp, authentic });
      const outcome = { recipientId: recipient.id, state: "bounced" as const, nextAt: now, events: [event] };
      await spool.record([{ ...outcome, ...notice }], now);
      return { outcome: "bounced", recipientId: recipient.id };
    },

    /** A bounce of mail that we sent on: it ends here, and goes back to nobody. */
    async ofForward(id: string, { kind, meaning }: Reading): Promise<Received> {
      const message = await spool.messageByRecipient(id);
      const recipient = message?.recipients.find((one) => one.id === id);
      if (!message || !recipient || message.kind !== "forward" || meaning.kind !== "bounced")
        return { outcome: "ignored", why: `${kind} about a forward` };
      if (recipient.state !== "delivered") return { outcome: "ignored", why: "a forward came back" };
      const now = clock.now();
      const { smtp } = meaning;
      log.warn({ message: message.id, smtp }, "mail that was sent on came back");
      const notice = await options.aftermath?.(message, recipient, {
        kind: "bounced",
        smtp,
        authentic: false,
      });
      const outcome = { recipientId: id, state: "bounced" as const, nextAt: now, events: [] };
      await spool.record([{ ...outcome, ...notice }], now);
      return { outcome: "bounced", recipientId: id };
    },

    /** Mail of a person to a return path: sent on where the member wants it, else refused, so that the person knows. */
    async reply(mail: Incoming, message: MessageView): Promise<Received> {
      const fate = fateOf(mail);
      if (fate.to === "ignore") return { outcome: "ignored", why: fate.why };
      if (fate.to === "machine") return keep(mail, fate.why);
      const address = message.kind === "mail" ? options.repliesTo(message.did) : undefined;
      if (address === undefined) return refused("no-replies", "5.7.1", NO_REPLIES);
      if (fate.to === "later") return { ...refused("dns", "4.7.0", DNS_FAILED), code: 451 };
      if (fate.to === "spam") return refused("unauthenticated", "5.7.26", UNAUTHENTICATED);
      const id = forwardId(mail);
      const member = { did: message.did, domain: message.fromDomain };
      return answerFor(await options.forward({ ...mail, id, member, address }), id);
    },
  };
}

/** The reply that fits what became of a forward. */
function answerFor(forwarded: Forwarded, id: string): Received {
  switch (forwarded) {
    case "taken":
    case "known":
      return { outcome: "forwarded", id };
    case "full":
      return { outcome: "full" };
    case "too-much":
      return { ...refused(forwarded, "4.7.0", "Too many replies at the moment, try again later"), code: 451 };
    case "too-large":
      return { ...refused(forwarded, "5.3.4", "This reply is too large to be sent on"), code: 552 };
    case "loop":
      return { ...refused(forwarded, "5.4.6", "This mail has been here before, it is a loop"), code: 554 };
    case "malformed":
      return refused(
        forwarded,
        "5.6.0",
        "It cannot be sent on: lines end with CRLF, and have at most 998 octets",
      );
  }
}

const NO_REPLIES =
  "This address takes delivery reports only and nobody reads it; write to the address in From or Reply-To of the message";
const UNAUTHENTICATED = "Nothing shows that this mail is from its sender: SPF, DKIM or DMARC must pass";
const DNS_FAILED = "The sender could not be looked up in the DNS, try again later";

function refused(why: string, enhanced: string, text: string): Extract<Received, { outcome: "refused" }> {
  return { outcome: "refused", why, code: 550, enhanced, text };
}
