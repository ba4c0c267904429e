import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import type { Admission, Feedback, Received } from "../../feedback/index.ts";
import { systemClock, type Clock } from "../../lib/clock.ts";
import type { Address } from "../../platform/config/index.ts";
import type { Logger } from "../../platform/log.ts";
import { authenticateMail, type Authentication } from "../../protocol/authentication/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import { limitConnections } from "../connections.ts";
import { watchCommands } from "../submission/commands.ts";
import type { Connection } from "../submission/replies.ts";
import { judgeInboundCommand } from "./commands.ts";
import { faultOfContent } from "./content.ts";
import { createInboundGuard, neighbourhood, type InboundRates } from "./guard.ts";
import { readData } from "./data.ts";
import { createTurns } from "./turns.ts";

/** The largest report that anybody sends; what each recipient takes is its own. */
const MAX_BYTES = 10 * 1024 * 1024;
const MAX_CLIENTS = 500;
const MAX_PER_ADDRESS = 50;
const MAX_PER_NETWORK = 150;
const SESSION_MS = 600_000;
const DATA_MS = 300_000;
const IDLE_MS = 60_000;
const AUTHENTICATE_MS = 15_000;
const MAX_RECIPIENTS = 10;
/** Octets of mail that come in at once, over all connections. */
const MAX_IN_HAND = 128 * 1024 * 1024;
/** Octets of mail that are read at once: to unpack and understand them takes several times their size. */
const MAX_AT_WORK = 24 * 1024 * 1024;

export type Inbound = {
  readonly address: Address;
  /** Certificates were renewed. */
  setTls(tls: { cert: string; key: string }): void;
  close(): Promise<void>;
};

export type InboundOptions = {
  address: Address;
  hostname: string;
  tls: { cert: string; key: string };
  feedback: Pick<Feedback, "admit" | "receive">;
  /** For SPF, DKIM and DMARC. */
  resolver: Resolver;
  log: Logger;
  clock?: Clock;
  /** Each mail and what came of it, refused recipients too: a word of few. */
  counted?: (outcome: string) => void;
  /** Connections from one address; default 50. */
  maxPerAddress?: number;
  /** Time for one mail to come in; default 5 minutes. */
  dataMs?: number;
  /** Time for all questions to the DNS about one mail; default 15 seconds. */
  authenticateMs?: number;
  rates?: InboundRates;
  /** Has the disk room for what comes in? */
  room?: () => boolean;
  /** Octets of mail that come in at once; default 128 MiB. */
  maxInHand?: number;
};

/** A recipient that was admitted, with what it may be sent. */
type Admitted = { to: string } & Extract<Admission, { ok: true }>;

/** Port 25: takes what comes back by its token, and role addresses. Everything else is refused at RCPT; nothing bounces. */
export async function startInbound(options: InboundOptions): Promise<Inbound> {
  const { hostname, feedback, resolver, log, dataMs = DATA_MS, counted = () => undefined } = options;
  const guard = createInboundGuard(() => (options.clock ?? systemClock).now(), options.rates);
  const admitted = new WeakMap<SMTPServerSession["envelope"], Admitted[]>();
  const { room = () => true, maxInHand = MAX_IN_HAND } = options;
  const work = createTurns(MAX_AT_WORK);
  let inHand = 0;

  const server = new SMTPServer({
    name: hostname,
    banner: "Atmosphere Mail",
    ...options.tls,
    minVersion: "TLSv1.2",
    authOptional: true,
    disabledCommands: ["AUTH", "WIZ", "SHELL", "KILL", "XCLIENT", "XFORWARD"],
    size: MAX_BYTES,
    hideENHANCEDSTATUSCODES: false,
    maxClients: MAX_CLIENTS,
    socketTimeout: IDLE_MS,
    closeTimeout: 2_000,
    disableReverseLookup: true,
    logger: false,
    onConnect(session, done) {
      const ip = session.remoteAddress;
      if (!guard.take("connections", ip) || !guard.mayTake("strangers", ip)) return done(TOO_MUCH);
      const around = neighbourhood(ip);
      const near = [...server.connections].filter((one) => neighbourhood(one.remoteAddress) === around);
      if (near.length > MAX_PER_NETWORK) return done(TOO_MUCH);
      const connection = limits.connectionOf(session);
      if (connection) {
        ownCodes(connection);
        watchCommands(connection, (line) =>
          judgeInboundCommand(line, { maxSize: MAX_BYTES, smtpUtf8: session.envelope?.smtpUtf8 ?? false }),
        );
      }
      done(limits.opened(session));
    },
    onClose: (session) => limits.passed(session),
    onMailFrom(_, session, done) {
      if (!guard.mayTake("messages", session.remoteAddress)) return done(TOO_MUCH_NOW);
      if (inHand > maxInHand) return done(NO_ROOM);
      done(room() ? null : FULL);
    },
    onRcptTo: ({ address }, session, done) => void answerWith(done, () => admit(address, session)),
    onData: (stream, session, done) => void answerWith(done, () => take(stream, session)),
  });

  const limits = limitConnections({
    perAddress: options.maxPerAddress ?? MAX_PER_ADDRESS,
    untilPassedMs: SESSION_MS,
  });
  limits.guard(server);

  async function admit(to: string, session: SMTPServerSession): Promise<Error | undefined> {
    const { envelope, remoteAddress: ip } = session;
    if (envelope.rcptTo.length >= MAX_RECIPIENTS) return reply(452, "4.5.3 Too many recipients");
    try {
      const admission = await feedback.admit(to);
      if (admission.ok) {
        if (admission.people && !guard.mayTake("letters", ip)) return TOO_MUCH_NOW;
        admitted.set(envelope, [...(admitted.get(envelope) ?? []), { to, ...admission }]);
        return undefined;
      }
      counted("no-recipient");
      if (!guard.take("strangers", ip)) return TOO_MUCH;
      return reply(admission.code, `${admission.enhanced} ${admission.text}`);
    } catch (err) {
      log.error({ err }, "a recipient of inbound mail could not be looked up");
      return NOT_NOW;
    }
  }

  function counting(octets: number): boolean {
    inHand += octets;
    return inHand <= maxInHand;
  }

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<Error | undefined> {
    const recipients = admitted.get(session.envelope) ?? [];
    const most = Math.max(0, ...recipients.map(({ maxBytes }) => maxBytes));
    const read = await readData(stream, { most, dataMs, counting });
    if ("fault" in read) {
      counted(read.fault);
      // Whoever sends on and on has no more to say that is worth the line.
      if (read.end) setImmediate(() => limits.connectionOf(session)?.close());
      if (read.fault === "no-room") return NO_ROOM;
      return read.fault === "too-large" ? tooLarge(most) : SLOW;
    }
    try {
      return await answer(recipients, session, read.raw);
    } finally {
      counting(-read.raw.length);
    }
  }

  async function answer(
    recipients: readonly Admitted[],
    session: SMTPServerSession,
    raw: Uint8Array,
  ): Promise<Error | undefined> {
    const fault = faultOfContent(raw);
    if (fault) {
      counted("malformed");
      return reply(fault.code, `${fault.enhanced} ${fault.text}`);
    }
    const { remoteAddress: ip, hostNameAppearsAs, envelope } = session;
    if (!guard.take("messages", ip)) return TOO_MUCH_NOW;
    const mailFrom = envelope.mailFrom ? envelope.mailFrom.address : "";
    const helo = hostNameAppearsAs || ip;
    const tls = session.tlsOptions ? session.tlsOptions.version : null;
    try {
      const authentication = await authenticated(raw, { ip, helo, mailFrom });
      const found: Received[] = [];
      for (const { to, maxBytes } of recipients) {
        const received =
          raw.length > maxBytes
            ? tooLargeFor(maxBytes)
            : await work(raw.length, () =>
                feedback.receive({ to, raw, mailFrom, from: helo, ip, tls, authentication }),
              );
        log.info(
          { ...received, spf: authentication.spf.result, dmarc: authentication.dmarc.result },
          "inbound mail",
        );
        counted(received.outcome);
        if (received.outcome === "kept-for-people") guard.take("letters", ip);
        found.push(received);
      }
      return replyFor(found);
    } catch (err) {
      counted("failed");
      log.error({ err }, "inbound mail could not be recorded");
      return isFull(err) ? FULL : NOT_NOW;
    }
  }

  async function authenticated(
    raw: Uint8Array,
    arrival: Parameters<typeof authenticateMail>[1],
  ): Promise<Authentication> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), options.authenticateMs ?? AUTHENTICATE_MS);
    const found = await authenticateMail(raw, arrival, { resolver, hostname, signal: stop.signal });
    clearTimeout(timer);
    return found;
  }

  server.on("error", (err) => log.debug({ err }, "inbound connection failed"));
  server.listen(options.address.port, options.address.host);
  await once(server.server, "listening");
  const { address: host, port } = server.server.address() as AddressInfo;
  return {
    address: { host, port },
    setTls: (renewed) => server.updateSecureContext(renewed),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/**
 * One reply for all recipients: what one of them cannot take now comes again for all, and counts once. Refused is only
 * what nobody took.
 */
function replyFor(found: readonly Received[]): Error | undefined {
  if (found.some(({ outcome }) => outcome === "full")) return FULL;
  if (found.some(({ outcome }) => outcome === "too-early")) return TOO_EARLY;
  const later = found.find((one) => one.outcome === "refused" && one.code < 500);
  const refused = later ?? (found.every(({ outcome }) => outcome === "refused") ? found[0] : undefined);
  return refused?.outcome === "refused"
    ? reply(refused.code, `${refused.enhanced} ${refused.text}`)
    : undefined;
}

type Done = (error?: Error | null) => void;

async function answerWith(done: Done, decide: () => Promise<Error | undefined>): Promise<void> {
  done(await decide());
}

/** Where a reply brings its own enhanced code, the library adds none. */
function ownCodes(connection: Connection): void {
  const send = connection.send.bind(connection);
  connection.send = (code, data, context) =>
    send(code, data, typeof data === "string" && /^[245]\.\d+\.\d+ /.test(data) ? false : context);
}

/** The spool says so itself; of SQLite it is result code 13. */
function isFull(error: unknown): boolean {
  const { full, errcode } = error as { full?: unknown; errcode?: unknown };
  return full === true || (typeof errcode === "number" && (errcode & 0xff) === 13);
}

type RefusedMail = Extract<Received, { outcome: "refused" }>;
const tooLargeFor = (most: number): RefusedMail => ({
  outcome: "refused",
  why: "too-large",
  code: 552,
  enhanced: "5.3.4",
  text: `This address takes at most ${most} octets`,
});

const tooLarge = (most: number) => reply(552, `5.3.4 This address takes at most ${most} octets`);
const NO_ROOM = reply(452, "4.3.1 Too much comes in at the moment, try again soon");
const FULL = reply(452, "4.3.1 No room at the moment");
const TOO_EARLY = reply(451, "4.2.0 The delivery that this is about is not recorded yet, try again later");
const NOT_NOW = reply(451, "4.3.0 Not recorded, try again later");
const SLOW = reply(421, "4.4.2 The report took too long");
const TOO_MUCH = reply(421, "4.7.0 Too much from your network, try again later");
const TOO_MUCH_NOW = reply(451, "4.7.0 Too much mail from your network, try again later");

function reply(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}
