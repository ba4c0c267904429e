import { isAuthentic } from "../protocol/authentication/index.ts";
import type { InspectedComplaint } from "../protocol/inspect/types.ts";
import { factsOf, isUnderWay, provenance } from "./facts.ts";
import { forwardId } from "./human.ts";
import type { FeedbackOptions } from "./index.ts";
import type { Meaning } from "./interpret.ts";
import { isOfPool, matchComplaint, type Matched } from "./match.ts";
import type { Incoming, PassOn, Received } from "./types.ts";

/**
 * `not-spam`: somebody took it out of the spam folder, which neither counts nor takes anything back. The others tell of
 * something else than a person who did not want mail (RFC 6591, RFC 5965 section 7.3).
 */
const NO_COMPLAINTS: ReadonlySet<string> = new Set(["not-spam", "auth-failure", "dkim", "miscategorized"]);

/** Wishes to get no more of it: types of the first drafts of ARF, which some still send. No complaint about spam. */
const OPT_OUTS: ReadonlySet<string> = new Set(["opt-out", "opt-out-list"]);

/** Complaints (RFC 5965): each counts once, for the message that it is about. */
export function createComplaints(options: FeedbackOptions) {
  const { spool, newEvent, recipientKey, inbox, clock, log } = options;

  async function count(mail: Incoming, matched: Matched, provider: string): Promise<Received> {
    const smtp = { code: 0, enhanced: "", text: "", provider, class: "ok", fault: "member" } as const;
    if (matched.by === "feedback-id") {
      const { by, did, domain, key } = matched;
      const recipient = { key, domain: "" };
      const dedupe_key = `complaint:${did}:${key}`;
      await spool.appendEvents([
        newEvent("complaint_received", {
          dedupe_key,
          member: { did, domain },
          recipient,
          smtp,
          detail: { by, ...provenance(mail.authentication) },
        }),
      ]);
      return { outcome: "complained", by, did };
    }
    const { by, message, recipient } = matched;
    const { did } = message;
    // A message with several recipients of which nothing says who complained: once for all of them.
    const about = recipient
      ? { key: recipientKey(recipient.address), domain: recipient.domain }
      : { key: recipientKey(`message:${message.id}`), domain: "" };
    await spool.appendEvents([
      newEvent("complaint_received", {
        dedupe_key: `complaint:${recipient?.id ?? message.id}`,
        ...factsOf(message),
        recipient: about,
        smtp,
        detail: { by, ...provenance(mail.authentication) },
      }),
    ]);
    return { outcome: "complained", by, did, ...(recipient && { recipientId: recipient.id }) };
  }

  async function unmatched(mail: Incoming, provider: string): Promise<Received> {
    // Anybody can write one: what nothing vouches for is no reason to wake people.
    const isVouched = isAuthentic(mail.authentication) !== "no";
    const address = isVouched ? options.rolesTo : undefined;
    const id = forwardId(mail);
    const kept = await inbox.keep({
      raw: mail.raw,
      folder: isVouched ? "inbox" : "spam",
      kind: "complaint",
      to: mail.to,
      mailFrom: mail.mailFrom,
      why: `A complaint of ${provider || "nobody known"} that matches no message`,
      authentication: mail.authentication.results,
      forward: address === undefined ? null : id,
      at: clock.now(),
    });
    if (kept.outcome === "full") return { outcome: "full" };
    if (kept.outcome === "kept" && isVouched) {
      log.error({ entry: kept.id, provider }, "a complaint matches no message; it is in the inbox");
      options.alarm?.({ entry: kept.id, provider });
    }
    if (address !== undefined) {
      const forwarded = await options.forward({ ...mail, id, member: null, address });
      if (forwarded !== "taken" && forwarded !== "known")
        log.warn({ entry: kept.id, forwarded }, "a complaint was not sent on; it is in the inbox");
    }
    return { outcome: "kept-for-people", entry: kept.id };
  }

  /** Like one click on unsubscribe: the member's bulk mail goes there no more, other mail does. */
  async function optOut(mail: Incoming, matched: Matched | undefined): Promise<Received> {
    if (!matched || matched.by === "feedback-id" || !matched.recipient)
      return { outcome: "ignored", why: "an opt-out that names no recipient" };
    const { by, message, recipient } = matched;
    const { address, domain, id: recipientId } = recipient;
    await spool.appendEvents([
      newEvent("recipient_unsubscribed", {
        dedupe_key: `opt-out:${recipientId}`,
        member: factsOf(message).member,
        recipient: { key: recipientKey(address), domain },
        detail: { by, ...provenance(mail.authentication) },
      }),
    ]);
    return { outcome: "unsubscribed", by, did: message.did, recipientId };
  }

  return {
    /** `elsewhere`: takes what another node has to hear; absent: there is none, or it was passed on to here. */
    async receive(
      mail: Incoming,
      complaint: InspectedComplaint,
      { meaning, elsewhere, passed }: { meaning: Meaning; elsewhere?: PassOn | undefined; passed: boolean },
    ): Promise<Received> {
      if (NO_COMPLAINTS.has(complaint.type)) return { outcome: "ignored", why: complaint.type };
      const named = complaint.provider.includes(".") ? complaint.provider : mail.from;
      const provider = meaning.kind === "complained" ? meaning.provider : options.shaping.providerOf(named);
      const matched = await matchComplaint(complaint, mail.to, mail.authentication, options);
      // Somebody's words alone do not say that it was sent from here when a mark of the pool is not known here.
      if (matched?.by !== "token" && matched?.by !== "header") {
        if (passed) return { outcome: "ignored", why: "its message is not here" };
        if (elsewhere && isOfPool(complaint, mail.to, options.tokenKey)) {
          await elsewhere(mail);
          return { outcome: "passed-on" };
        }
      }
      if (OPT_OUTS.has(complaint.type)) return optOut(mail, matched);
      if (!matched) return unmatched(mail, provider);
      if (matched.by !== "feedback-id" && matched.recipient) {
        const { recipient } = matched;
        if (isUnderWay(recipient)) {
          if (recipient.attempts > 0 || recipient.inFlight)
            return { outcome: "too-early", recipientId: recipient.id };
          return { outcome: "ignored", why: "its message has not left" };
        }
        if (recipient.attempts === 0 && recipient.state !== "delivered")
          return { outcome: "ignored", why: `its message never left: ${recipient.state}` };
      }
      return count(mail, matched, provider);
    },
  };
}
