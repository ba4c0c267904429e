import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";
import type { Address } from "../../platform/config/index.ts";
import { limitConnections } from "../connections.ts";
import type { RelayContext, SubmissionConfig } from "../context.ts";
import { watchCommands } from "./commands.ts";
import { greetAtOnce } from "./greeting.ts";
import type { Login, Who } from "./login.ts";
import type { Refusal } from "./refusal.ts";
import { nameReplies } from "./replies.ts";
import { createSessionHandlers, DEFAULTS, type SmtpReply } from "./session.ts";
import type { Submission } from "./submission.ts";

/** What is listened on, in the order of the configuration. */
export type ListeningOn = { tls: Address[]; starttls: Address[] };

export interface SubmissionServer {
  /** Rejects, and listens on nothing, when one of the addresses is taken. */
  start(): Promise<ListeningOn>;
  /** Takes no new connections, lets those that are there finish for `graceMs`, then ends them. */
  close(graceMs: number): Promise<void>;
  /** Certificates were renewed. */
  setTls(tls: SubmissionConfig["tls"]): void;
}

/** Submission (RFC 6409) under TLS 1.2 or newer: implicit (RFC 8314) and with STARTTLS. AUTH PLAIN and LOGIN. */
export function createSubmissionServer(
  context: RelayContext,
  config: SubmissionConfig,
  doors: { authenticate: (login: Login) => Who | Refusal; submission: Submission },
): SubmissionServer {
  const { identity, log } = context;
  const handlers = createSessionHandlers(context, config, doors);
  const limits = limitConnections({
    perAddress: config.maxPerAddress ?? DEFAULTS.maxPerAddress,
    total: config.maxConnections ?? DEFAULTS.maxConnections,
    untilPassedMs: config.loginMs ?? DEFAULTS.loginMs,
    told: handlers.told,
  });
  const options: SMTPServerOptions = {
    ...config.tls,
    minVersion: "TLSv1.2",
    name: identity.hostname,
    banner: "Atmosphere Mail",
    authMethods: ["PLAIN", "LOGIN"],
    size: config.maxSize ?? DEFAULTS.maxSize,
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    hideREQUIRETLS: false,
    disableReverseLookup: true,
    socketTimeout: config.idleMs ?? DEFAULTS.idleMs,
    logger: false,
    onConnect(session, done) {
      // In clear AUTH is not even offered: a client that sees it may send its secret before it asks for TLS.
      session.disabledCommands = session.secure ? UNWANTED : [...UNWANTED, "AUTH"];
      const connection = limits.connectionOf(session);
      if (connection) watchCommands(connection, (line) => handlers.command(line, session));
      done(limits.opened(session));
    },
    onSecure(_socket, session, done) {
      session.disabledCommands = UNWANTED;
      done();
    },
    onAuth(auth, session, done) {
      const result = handlers.login(auth.username ?? "", auth.password ?? "", session);
      if (typeof result !== "string") return done(result);
      limits.passed(session);
      done(null, { user: result });
    },
    onMailFrom: (address, session, done) => void answer(() => handlers.mail(address, session), session, done),
    onRcptTo: (address, session, done) => void answer(() => handlers.rcpt(address, session), session, done),
    onData: (stream, session, done) => void answer(() => handlers.data(stream, session), session, done),
    onClose: (session) => limits.passed(session),
  };

  const listeners = [
    ...config.tlsAddresses.map((address) => ({ address, secure: true })),
    ...config.starttlsAddresses.map((address) => ({ address, secure: false })),
  ].map(({ address, secure }) => ({ address, secure, server: new SMTPServer({ ...options, secure }) }));
  for (const { server } of listeners) {
    limits.guard(server);
    greetAtOnce(server, (connection) => nameReplies(connection, handlers.told));
    server.on("error", (err) => log.debug({ err }, "submission connection failed"));
  }

  async function answer(
    decideIt: () => Answer | Promise<Answer>,
    session: SMTPServerSession,
    done: (error?: Error | null, message?: string) => void,
  ): Promise<void> {
    let error: SmtpReply | null = null;
    let message: string | undefined;
    try {
      const result = decideIt();
      message = (result instanceof Promise ? await result : result) ?? undefined;
    } catch (thrown) {
      error = handlers.failed(thrown, session);
    }
    done(error, message);
  }

  async function listen({ address, server }: (typeof listeners)[number]): Promise<Address> {
    server.listen(address.port, address.host);
    await once(server.server, "listening");
    const { port } = server.server.address() as AddressInfo;
    return { host: address.host, port };
  }

  async function close(graceMs: number): Promise<void> {
    await Promise.all(
      listeners.map(({ server }) => {
        if (!server.server.listening) return undefined;
        server.options.closeTimeout = Math.max(1, graceMs);
        return new Promise<void>((resolve) => server.close(resolve));
      }),
    );
  }

  return {
    async start() {
      const bound = await Promise.allSettled(listeners.map(listen));
      const failed = bound.find((result) => result.status === "rejected");
      if (failed) {
        await close(0);
        throw failed.reason;
      }
      const at = (secure: boolean) =>
        bound.flatMap((one, i) =>
          one.status === "fulfilled" && listeners[i]!.secure === secure ? [one.value] : [],
        );
      return { tls: at(true), starttls: at(false) };
    },
    close,
    setTls(tls) {
      for (const { server } of listeners) server.updateSecureContext(tls);
    },
  };
}

/** Commands that the library knows for old times' sake, and for proxies. */
const UNWANTED = ["WIZ", "SHELL", "KILL", "XCLIENT", "XFORWARD"];

type Answer = void | string;
