import type { EventMaker, SmtpFacts } from "../event/index.ts";
import type { Inbox } from "../inbox/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { MessageView, Outcome, RecipientView, Spool } from "../spool/index.ts";
import { destinationOf, type AddressBook, type RoleName } from "./addresses.ts";
import type { Judge } from "./interpret.ts";
import type { MatchContext } from "./match.ts";
import { createComplaints } from "./complaints.ts";
import { createReturned } from "./returned.ts";
import { createRoleMail } from "./role-mail.ts";
import { createTests } from "./tests.ts";
import { readReturned } from "./reading.ts";
import type { Admission, Forwarded, ForwardWish, Incoming, PassOn, Received, ReportReader } from "./types.ts";

export type * from "./types.ts";
export { messageOf } from "./match.ts";
export { forwardId } from "./human.ts";

export type FeedbackOptions = {
  spool: Pick<
    Spool,
    "message" | "messageByRecipient" | "messagesByMessageId" | "attempts" | "record" | "appendEvents"
  >;
  tokenKey: Uint8Array;
  /** The keyed hash that stands for an address in events. */
  recipientKey: (address: string) => string;
  /** Domains at which all role addresses live. */
  poolDomains: readonly string[];
  /** A return-path name that a member has delegated to us. */
  isBounceName: (domain: string) => boolean;
  /** Third and fourth part of our `Feedback-ID`. */
  feedbackId: MatchContext["feedbackId"];
  memberByHandle: MatchContext["memberByHandle"];
  newEvent: EventMaker;
  inbox: Pick<Inbox, "keep">;
  /** Where the member who sent from this domain wants replies; undefined: nowhere. */
  repliesTo: (did: string) => string | undefined;
  /** Where mail to role addresses is sent on to; undefined: it is in the inbox only. */
  rolesTo?: string | undefined;
  forward: (wish: ForwardWish & { address: string }) => Promise<Forwarded>;
  /** Takes what DMARC and TLS reports say; without, they are kept in the inbox. */
  reports?: ReportReader | undefined;
  /** A complaint matches no message of ours: told to whoever runs the pool. */
  alarm?: (what: { entry: number; provider: string }) => void;
  /** Knows the provider that a report is from, and what its words mean. */
  shaping: Judge;
  /**
   * Told of what a report says of a delivered recipient; gives the notice that the member is to have of it. `authentic`: it
   * is from where the message went.
   */
  aftermath?: (
    message: MessageView,
    recipient: RecipientView,
    what: { kind: "bounced"; smtp: SmtpFacts; authentic: boolean } | { kind: "delivered" | "relayed" },
  ) => Promise<Pick<Outcome, "told" | "follow"> | undefined>;
  /** What names a message of the pool that is not here; absent: this is the only node. */
  passOn?: PassOn | undefined;
  clock: Clock;
  log: Logger;
};

export type Feedback = ReturnType<typeof createFeedback>;

const BOUNCE_BYTES = 1024 * 1024;
const TEST_BYTES = 256 * 1024;
const REPORT_BYTES = 10 * 1024 * 1024;
const MAX_BYTES: Record<RoleName, number> = {
  postmaster: BOUNCE_BYTES,
  abuse: BOUNCE_BYTES,
  fbl: BOUNCE_BYTES,
  dmarc: REPORT_BYTES,
  tlsrpt: REPORT_BYTES,
};

const STRANGER: Admission = {
  ok: false,
  code: 550,
  enhanced: "5.1.1",
  text: "This server takes bounces and reports of its own mail only",
};
const EXPIRED: Admission = {
  ok: false,
  code: 550,
  enhanced: "5.1.6",
  text: "This return path has expired; messages are known here for thirty days",
};

const DNS_AWAY: Received = {
  outcome: "refused",
  why: "dns",
  code: 451,
  enhanced: "4.7.0",
  text: "The sender could not be looked up in the DNS, try again later",
};

/** Matches what comes back to the recipient that it is about, and turns it into events. */
export function createFeedback(options: FeedbackOptions) {
  const { spool, clock } = options;
  const book: AddressBook = {
    tokenKey: options.tokenKey,
    poolDomains: new Set(options.poolDomains),
    isBounceName: options.isBounceName,
  };
  const complaints = createComplaints(options);
  const returned = createReturned(options);
  const roleMail = createRoleMail(options);
  const tests = createTests({ ...options, book });

  return {
    /**
     * Only valid tokens of messages that are known and role addresses take mail: everything else is refused at RCPT, so
     * nothing bounces back. A token ends with its message; among several nodes only one knows of that.
     */
    async admit(address: string): Promise<Admission> {
      const destination = destinationOf(address, book, clock.now());
      switch (destination.kind) {
        case "stranger":
          return STRANGER;
        case "expired":
          return EXPIRED;
        case "role":
          return { ok: true, maxBytes: MAX_BYTES[destination.role], people: true };
        case "test":
          return options.memberByHandle(destination.handle) ? { ok: true, maxBytes: TEST_BYTES } : STRANGER;
        default: {
          const id = destination.kind === "token" ? destination.recipientId : destination.id;
          const known = options.passOn !== undefined || (await spool.messageByRecipient(id));
          return known ? { ok: true, maxBytes: BOUNCE_BYTES } : EXPIRED;
        }
      }
    },

    /**
     * Durable once resolved. The address must have been admitted. `passed`: another node took it, and found no message of
     * its own for it.
     */
    async receive(mail: Incoming, passed = false): Promise<Received> {
      const elsewhere = passed ? undefined : options.passOn;
      const notHere = async (): Promise<Received> => {
        if (!elsewhere) return { outcome: "ignored", why: "its message is not here" };
        await elsewhere(mail);
        return { outcome: "passed-on" };
      };
      const destination = destinationOf(mail.to, book, clock.now());
      if (destination.kind === "stranger" || destination.kind === "expired")
        return {
          outcome: "refused",
          why: destination.kind,
          code: 550,
          enhanced: "5.1.1",
          text: "No such address",
        };
      if (destination.kind === "test") return tests(mail, destination);
      const reading = await readReturned(mail.raw, mail.from, options.shaping);
      if (destination.kind === "forward") {
        const isHere = !elsewhere || (await spool.messageByRecipient(destination.id)) !== undefined;
        return isHere ? returned.ofForward(destination.id, reading) : notHere();
      }
      if (reading.complaint)
        return complaints.receive(mail, reading.complaint, { meaning: reading.meaning, elsewhere, passed });
      if (reading.report && options.reports) {
        const taken = await options.reports(reading.report, mail);
        return taken === "taken" ? { outcome: "report", kind: reading.kind } : DNS_AWAY;
      }
      if (destination.kind === "role") return roleMail.receive(mail, destination.role, reading);
      const message = await spool.messageByRecipient(destination.recipientId);
      const recipient = message?.recipients.find(({ id }) => id === destination.recipientId);
      if (!message || !recipient) return notHere();
      return reading.kind === "message"
        ? returned.reply(mail, message)
        : returned.report(mail, { message, recipient }, reading.meaning);
    },
  };
}
