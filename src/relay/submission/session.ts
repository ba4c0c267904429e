import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from "smtp-server";
import {
  decide,
  domainOf,
  secretMatches,
  type CredentialPolicy,
  type MemberPolicy,
} from "../../policy/index.ts";
import type { RelayContext, SubmissionConfig } from "../context.ts";
import { createLoginGuard } from "./guard.ts";
import { createIntake, type Refusal } from "./intake.ts";
import { isHostName } from "./mailbox.ts";
import { createRefusalReporter } from "./refusals.ts";
import { finishMessage, storageRefusal, type SubmissionResult } from "./transaction.ts";

export const DEFAULTS = {
  maxSize: 25 * 1024 * 1024,
  maxRecipients: 100,
  maxConnections: 1_000,
  maxPerAddress: 50,
  loginMs: 30_000,
  dataMs: 600_000,
};
const LOGINS_PER_CONNECTION = 3;

/** What smtp-server sends: the code, and the text with the enhanced code in front. */
export class SmtpReply extends Error {
  readonly responseCode: number;
  constructor({ code, enhanced, text }: Pick<Refusal, "code" | "enhanced" | "text">) {
    super(`${enhanced} ${text}`);
    this.responseCode = code;
  }
}

type Who = { member: MemberPolicy; credential: CredentialPolicy };

/** The answers of a submission server to AUTH, MAIL, RCPT and DATA. Each looks at the policy as it is now. */
export function createSessionHandlers(context: RelayContext, config: SubmissionConfig) {
  const { policyBook, clock, metrics, suppressed } = context;
  const limits = { ...DEFAULTS, ...config };
  const guard = createLoginGuard(() => clock.now());
  const report = createRefusalReporter(context);
  const failedLogins = new WeakMap<SMTPServerSession, number>();

  function authenticate(username: string, secret: string, session: SMTPServerSession): string | SmtpReply {
    const known = policyBook.byUsername(username);
    // An unknown name costs the same time as a wrong secret.
    const matches = secretMatches(username, secret, known?.credential.hash ?? UNKNOWN_HASH);
    if (known && matches && !known.credential.revoked) return username;
    const failures = (failedLogins.get(session) ?? 0) + 1;
    failedLogins.set(session, failures);
    metrics.submissions.inc({ outcome: "refuse", reason: "auth" });
    if (guard.failed(session.remoteAddress) || failures >= LOGINS_PER_CONNECTION) return TOO_MANY_LOGINS;
    return known && matches ? REVOKED : BAD_LOGIN;
  }

  function who(session: SMTPServerSession): Who {
    if (!session.secure || typeof session.user !== "string") throw NO_LOGIN;
    const found = policyBook.byUsername(session.user);
    if (!found || found.credential.revoked) throw REVOKED;
    return found;
  }

  /** Throws the reply of whatever is not to be accepted. */
  function check(
    session: SMTPServerSession,
    stage: "mail" | "rcpt",
    sender: string,
    recipients: number,
  ): Who {
    const found = who(session);
    const { member, credential } = found;
    const fromDomain = domainOfAddress(sender);
    const decision = decide({
      stage,
      member,
      credential,
      fromDomain,
      recipients,
      limits: policyBook.limits(member.did, clock.now()),
      now: clock.now(),
    });
    if (decision.outcome === "accept" || decision.outcome === "hold") return found;
    refuse(found, stage, decision, fromDomain);
    throw new SmtpReply(decision);
  }

  function refuse(found: Who, stage: string, { reason, code }: Refusal, fromDomain?: string): void {
    const { member, credential } = found;
    metrics.submissions.inc({ outcome: code < 500 ? "defer" : "refuse", reason });
    const domain = fromDomain === undefined ? undefined : domainOf(member, fromDomain);
    report({
      did: member.did,
      domain: domain?.name ?? credential.domains[0] ?? "",
      credential: credential.id,
      stage,
      reason,
      code,
    });
  }

  function mail({ address }: SMTPServerAddress, session: SMTPServerSession): void {
    who(session);
    if (!address) {
      throw new SmtpReply({
        code: 550,
        enhanced: "5.7.1",
        text: "An empty return path is not for submission",
      });
    }
    check(session, "mail", address, 1);
  }

  function rcpt({ address }: SMTPServerAddress, session: SMTPServerSession): void {
    const { rcptTo, mailFrom } = session.envelope;
    if (rcptTo.length >= limits.maxRecipients) {
      throw new SmtpReply({
        code: 452,
        enhanced: "4.5.3",
        text: `Too many recipients; ${limits.maxRecipients} are the most of one message`,
      });
    }
    const domain = domainOfAddress(address);
    if (!domain || !isHostName(domain) || !/^[\x21-\x7e]+$/.test(address)) {
      throw new SmtpReply({
        code: 553,
        enhanced: "5.1.3",
        text: "The recipient is not an address at a domain",
      });
    }
    const found = check(session, "rcpt", mailFrom ? mailFrom.address : "", rcptTo.length + 1);
    const words = suppressed(found.member.did, address.toLowerCase());
    if (words === undefined) return;
    const refusal = { code: 550, enhanced: "5.1.1", reason: "suppressed", text: words };
    refuse(found, "rcpt", refusal);
    throw new SmtpReply(refusal);
  }

  /** Reads the message to its end whatever is wrong with it; the answer comes after the final dot. */
  async function data(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const started = performance.now();
    const intake = createIntake(limits.maxSize);
    const body = context.spool.newBody();
    const timer = setTimeout(() => stream.destroy(new SmtpReply(TOO_SLOW)), limits.dataMs);
    let finished = false;
    try {
      let diskError: Error | undefined;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        const part = intake.push(chunk);
        if (part && !diskError) await body.write(part).catch((error: Error) => (diskError = error));
      }
      if (diskError) throw diskError;
      const found = who(session);
      const { mailFrom, rcptTo } = session.envelope;
      const result: SubmissionResult = await finishMessage(
        context,
        {
          ...found,
          sender: mailFrom ? mailFrom.address : "",
          recipients: rcptTo.map(({ address }) => ({ address, domain: domainOfAddress(address) ?? "" })),
          protocol: session.transmissionType,
        },
        intake.end(),
        body,
      );
      if (!result.ok) {
        refuse(found, "data", result, result.fromDomain);
        throw new SmtpReply(result);
      }
      finished = true;
      if (!result.held) context.accepted();
      metrics.submissions.inc({
        outcome: result.held ? "hold" : "accept",
        reason: result.held ? "held" : "ok",
      });
      metrics.acceptSeconds.observe((performance.now() - started) / 1000);
      return `2.0.0 ${result.held ? "Held" : "Queued"} as ${result.id}`;
    } catch (error) {
      if (error instanceof SmtpReply) throw error;
      // A client that goes away in the middle has no answer to wait for, and nothing of it is kept.
      if (stream.destroyed) context.log.debug({ err: error }, "a message broke off");
      else context.log.error({ err: error }, "a message could not be taken in");
      throw new SmtpReply(storageRefusal(error));
    } finally {
      clearTimeout(timer);
      if (!finished) await body.discard();
    }
  }

  return { authenticate, mail, rcpt, data };
}

const UNKNOWN_HASH = Buffer.alloc(32).toString("base64url");
const BAD_LOGIN = new SmtpReply({ code: 535, enhanced: "5.7.8", text: "User name or secret is wrong" });
const NO_LOGIN = new SmtpReply({ code: 530, enhanced: "5.7.0", text: "TLS and authentication come first" });
const REVOKED = new SmtpReply({
  code: 535,
  enhanced: "5.7.8",
  text: "This credential has been revoked; make a new one in the portal",
});
const TOO_MANY_LOGINS = new SmtpReply({
  code: 421,
  enhanced: "4.7.0",
  text: "Too many failed log-ins, try again in some minutes",
});
const TOO_SLOW = { code: 421, enhanced: "4.4.2", text: "The message took too long" };

function domainOfAddress(address: string): string | undefined {
  const at = address.lastIndexOf("@");
  return at < 1 ? undefined : address.slice(at + 1).toLowerCase();
}
