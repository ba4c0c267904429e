import type { EventMaker, SmtpFacts } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import { readReportMail } from "../protocol/report-mail/index.ts";
import { readToken } from "../protocol/verp/index.ts";
import type { MessageView, Outcome, RecipientView, Spool } from "../spool/index.ts";
import { interpret, type Judge } from "./interpret.ts";
import type { RoleMail } from "./role-mail.ts";

export { createRoleMail, type RoleMail } from "./role-mail.ts";

const ROLES = ["postmaster", "abuse", "fbl"] as const;

export type Received =
  | { outcome: "bounced" | "complained"; recipientId: string }
  /** Understood, and nothing changes. */
  | { outcome: "ignored"; why: string }
  | { outcome: "kept-for-people" }
  /** The delivery that it is about is not written down yet: it must come again. Ends with the wait of the recipient. */
  | { outcome: "too-early"; recipientId: string }
  | { outcome: "full" };

export type FeedbackOptions = {
  spool: Pick<Spool, "messageByRecipient" | "record" | "appendEvents">;
  tokenKey: Uint8Array;
  /** The keyed hash that stands for an address in events. */
  recipientKey: (address: string) => string;
  /** Domains at which role addresses live. */
  poolDomains: readonly string[];
  newEvent: EventMaker;
  roleMail: RoleMail;
  /** Knows the provider that a report is from, and what its words mean. */
  shaping: Judge;
  /** Told of what a report says of a delivered recipient; gives the notice that the member is to have of it. */
  aftermath?: (
    message: MessageView,
    recipient: RecipientView,
    what: { kind: "bounced"; smtp: SmtpFacts } | { kind: "delivered" | "relayed" },
  ) => Promise<Pick<Outcome, "told" | "follow"> | undefined>;
  clock: Clock;
  log: Logger;
};

type Found = { message: MessageView; recipient: RecipientView };

export type Feedback = ReturnType<typeof createFeedback>;

/** Matches what comes back to the recipient that it is about, and turns it into events. */
export function createFeedback(options: FeedbackOptions) {
  const { spool, tokenKey, newEvent, clock, log } = options;
  const poolDomains = new Set(options.poolDomains);

  const roleOf = (address: string) => {
    const [local = "", domain = ""] = address.toLowerCase().split("@");
    return poolDomains.has(domain) ? ROLES.find((role) => role === local) : undefined;
  };

  /** The recipient named by a token in the envelope, or in what the report quotes. */
  async function match(tokens: readonly string[]): Promise<Found | undefined> {
    for (const address of tokens) {
      const id = readToken(address, tokenKey);
      const message = id === undefined ? undefined : await spool.messageByRecipient(id);
      const recipient = message?.recipients.find((r) => r.id === id);
      if (message && recipient) return { message, recipient };
    }
    return undefined;
  }

  async function succeeded({ message, recipient }: Found, kind: "delivered" | "relayed"): Promise<void> {
    if (recipient.state !== "delivered") return;
    const notice = await options.aftermath?.(message, recipient, { kind });
    if (!notice) return;
    const now = clock.now();
    const { id: recipientId } = recipient;
    await spool.record([{ recipientId, state: "delivered", nextAt: now, events: [], ...notice }], now);
  }

  function factsOf(message: MessageView, recipient: RecipientView) {
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
      recipient: { key: options.recipientKey(recipient.address), domain: recipient.domain },
    };
  }

  return {
    /** Only valid tokens and role addresses take mail: everything else is refused at RCPT, so nothing bounces back. */
    accepts: (address: string): boolean =>
      readToken(address, tokenKey) !== undefined || roleOf(address) !== undefined,

    /** Durable once resolved. `from` is the host that handed the mail in. */
    async receive(to: string, raw: Uint8Array, from: string): Promise<Received> {
      const report = await readReportMail(raw);
      const meaning = interpret(report, from, options.shaping);
      const quoted =
        report.kind === "complaint"
          ? [report.originalMailFrom, report.original.get("return-path")?.replace(/[<>]/g, "") ?? ""]
          : [];
      const found = await match([to, ...quoted]);
      if (meaning.kind === "nothing" && found) {
        const { why } = meaning;
        if (why === "delivered" || why === "relayed") await succeeded(found, why);
        return { outcome: "ignored", why };
      }
      if (!found || meaning.kind === "nothing") {
        log.warn(
          { kind: report.kind, role: roleOf(to) },
          "inbound mail matches no message; kept for a person",
        );
        return {
          outcome: (await options.roleMail.keep(raw, clock.now())) === "full" ? "full" : "kept-for-people",
        };
      }
      const { message, recipient } = found;
      if (meaning.kind === "complained") {
        const event = newEvent("complaint_received", {
          dedupe_key: `complaint:${recipient.id}`,
          ...factsOf(message, recipient),
          smtp: { code: 0, enhanced: "", text: "", provider: meaning.provider, class: "ok", fault: "member" },
        });
        await spool.appendEvents([event]);
        return { outcome: "complained", recipientId: recipient.id };
      }
      if (isUnderWay(recipient)) return { outcome: "too-early", recipientId: recipient.id };
      if (recipient.state !== "delivered")
        return { outcome: "ignored", why: `recipient is ${recipient.state}` };
      const event = newEvent("recipient_bounced", {
        dedupe_key: `bounce:${recipient.id}`,
        late: true,
        ...factsOf(message, recipient),
        smtp: meaning.smtp,
      });
      const now = clock.now();
      const notice = await options.aftermath?.(message, recipient, { kind: "bounced", smtp: meaning.smtp });
      const outcome = { recipientId: recipient.id, state: "bounced" as const, nextAt: now, events: [event] };
      await spool.record([{ ...outcome, ...notice }], now);
      return { outcome: "bounced", recipientId: recipient.id };
    },
  };
}

/** The host has said yes and we have not recorded it: a recipient waits for five days at most, so this has an end. */
function isUnderWay({ state }: RecipientView): boolean {
  return state === "queued" || state === "deferred" || state === "held";
}
