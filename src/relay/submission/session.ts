import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from "smtp-server";
import type { RelayContext, SubmissionConfig } from "../context.ts";
import type { Login, Who } from "./login.ts";
import { judgeCommand } from "./parameters.ts";
import {
  LOCAL_ERROR,
  NO_LOGIN,
  REVOKED,
  REVOKED_NOW,
  TOO_MANY_LOGINS,
  TOO_SLOW,
  TRY_LATER,
  type Refusal,
} from "./refusal.ts";
import { createRefusalReporter } from "./refusals.ts";
import type { Recipient, Submission } from "./submission.ts";

export const DEFAULTS = {
  maxSize: 25 * 1024 * 1024,
  maxRecipients: 100,
  maxConnections: 1_000,
  maxPerAddress: 50,
  loginMs: 30_000,
  idleMs: 300_000,
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

type Told = Pick<Refusal, "code" | "reason">;

/** The dialogue of a submission server: what smtp-server asks, in the words of `Submission`. */
export function createSessionHandlers(
  context: RelayContext,
  config: SubmissionConfig,
  { authenticate, submission }: { authenticate: (login: Login) => Who | Refusal; submission: Submission },
) {
  const { policyBook, log } = context;
  const limits = { ...DEFAULTS, ...config };
  const report = createRefusalReporter(context);
  const failedLogins = new WeakMap<SMTPServerSession, number>();

  function login(username: string, secret: string, session: SMTPServerSession): string | SmtpReply {
    const result = authenticate({ username, secret, address: session.remoteAddress });
    if ("credential" in result) return result.credential.username;
    const failures = (failedLogins.get(session) ?? 0) + 1;
    failedLogins.set(session, failures);
    if (failures < LOGINS_PER_CONNECTION) return new SmtpReply(result);
    return new SmtpReply(result.reason === "revoked" ? REVOKED_NOW : TOO_MANY_LOGINS);
  }

  /** Counts and tells a refusal that neither a log-in nor `submission` has. The end of a connection refuses no message. */
  function told({ code, reason }: Told, session: SMTPServerSession, stage = "command"): void {
    const found = code === 421 && stage === "command" ? undefined : inUse(session);
    if (!found) return report({ address: session.remoteAddress, stage, reason, code });
    const { member, credential } = found;
    const who = { did: member.did, domain: credential.domains[0] ?? "", credential: credential.id };
    report({ who, stage, reason, code });
  }

  function reply(refusal: Refusal, session: SMTPServerSession, stage?: string): SmtpReply {
    told(refusal, session, stage);
    return new SmtpReply(refusal);
  }

  /** The reply for what was thrown: anything else than a reply is a bug of ours and no fault of the client. */
  function failed(thrown: unknown, session: SMTPServerSession): SmtpReply {
    if (thrown instanceof SmtpReply) return thrown;
    log.error({ err: thrown }, "a command could not be answered");
    return reply(LOCAL_ERROR, session);
  }

  /** Asked before each command: a connection whose credential is revoked ends, whatever it says next. */
  function command(line: Buffer, session: SMTPServerSession): Refusal | undefined {
    const smtpUtf8 = session.envelope?.smtpUtf8 ?? false;
    const judged =
      session.user && !inUse(session)
        ? REVOKED_NOW
        : judgeCommand(line, { maxSize: limits.maxSize, smtpUtf8 });
    if (judged) told(judged, session);
    return judged;
  }

  function inUse(session: SMTPServerSession): Who | undefined {
    const found = typeof session.user === "string" ? policyBook.byUsername(session.user) : undefined;
    return found && !found.credential.revoked ? found : undefined;
  }

  function who(session: SMTPServerSession): Who {
    if (!session.secure || !session.user) throw reply(NO_LOGIN, session);
    const found = inUse(session);
    if (!found) throw reply(REVOKED, session);
    return found;
  }

  function mail({ address }: SMTPServerAddress, session: SMTPServerSession): void {
    check(submission.sender(who(session), address));
  }

  function rcpt({ address }: SMTPServerAddress, session: SMTPServerSession): void {
    const { rcptTo, mailFrom } = session.envelope;
    check(submission.recipient(who(session), mailFrom ? mailFrom.address : "", address, rcptTo));
  }

  async function data(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const timer = setTimeout(() => stream.destroy(reply(TOO_SLOW, session, "data")), limits.dataMs);
    const { mailFrom, rcptTo, dsn, smtpUtf8, requireTLS } = session.envelope;
    try {
      const result = await submission.message({
        ...who(session),
        stage: "data",
        sender: mailFrom ? mailFrom.address : "",
        recipients: rcptTo.map(recipientOf),
        protocol: session.transmissionType,
        smtpUtf8: smtpUtf8 ?? false,
        ret: dsn?.ret === "FULL" || dsn?.ret === "HDRS" ? dsn.ret : null,
        envid: dsn?.envid ?? null,
        requireTls: requireTLS ?? false,
        source: stream,
      });
      if (!result.ok) throw new SmtpReply(result);
      return `2.0.0 ${result.text}`;
    } catch (error) {
      if (error instanceof SmtpReply) throw error;
      // A client that goes away in the middle has no answer to wait for, and nothing of it is kept.
      if (stream.destroyed) {
        log.debug({ err: error }, "a message broke off");
        throw new SmtpReply(TRY_LATER);
      }
      log.error({ err: error }, "a message could not be taken in");
      throw reply(TRY_LATER, session, "data");
    } finally {
      clearTimeout(timer);
    }
  }

  return { login, command, told, failed, mail, rcpt, data };
}

function check(refusal: Refusal | undefined): void {
  if (refusal) throw new SmtpReply(refusal);
}

function recipientOf({ address, dsn }: SMTPServerAddress): Recipient {
  return {
    address,
    notify: dsn?.notify ? [...new Set(dsn.notify)].join(",") : null,
    orcpt: dsn?.orcpt ?? null,
  };
}
