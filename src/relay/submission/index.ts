import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { limitConnections } from "../connections.ts";
import type { RelayContext, SubmissionConfig } from "../context.ts";
import { createSessionHandlers, DEFAULTS, SmtpReply } from "./session.ts";

export interface SubmissionServer {
  /** Rejects, and listens on nothing, when one of the ports is taken. */
  start(): Promise<{ tlsPort: number | null; starttlsPort: number | null }>;
  /** Takes no new connections, lets those that are there finish for `graceMs`, then ends them. */
  close(graceMs: number): Promise<void>;
  /** Certificates were renewed. */
  setTls(tls: SubmissionConfig["tls"]): void;
}

/** Submission (RFC 6409) under TLS 1.2 or newer: implicit (RFC 8314) and with STARTTLS. AUTH PLAIN and LOGIN. */
export function createSubmissionServer(context: RelayContext, config: SubmissionConfig): SubmissionServer {
  const { identity, log } = context;
  const handlers = createSessionHandlers(context, config);
  const options: SMTPServerOptions = {
    ...config.tls,
    minVersion: "TLSv1.2",
    name: identity.hostname,
    banner: "Atmosphere Mail",
    authMethods: ["PLAIN", "LOGIN"],
    size: config.maxSize ?? DEFAULTS.maxSize,
    hideSMTPUTF8: true,
    disableReverseLookup: true,
    maxClients: config.maxConnections ?? DEFAULTS.maxConnections,
    socketTimeout: 300_000,
    logger: false,
    onMailFrom: (address, session, done) => void answer(() => handlers.mail(address, session), done),
    onRcptTo: (address, session, done) => void answer(() => handlers.rcpt(address, session), done),
    onData: (stream, session, done) => void answer(() => handlers.data(stream, session), done),
  };

  function serverFor(secure: boolean): SMTPServer {
    const server = new SMTPServer({
      ...options,
      secure,
      onConnect(session, done) {
        // In clear AUTH is not even offered: a client that sees it may send its secret before it asks for TLS.
        if (!session.secure) session.disabledCommands = ["AUTH"];
        done(limits.opened(session));
      },
      onSecure(_socket, session, done) {
        session.disabledCommands = [];
        done();
      },
      onAuth(auth, session, done) {
        const result = handlers.authenticate(auth.username ?? "", auth.password ?? "", session);
        if (typeof result !== "string") return done(result);
        limits.passed(session);
        done(null, { user: result });
      },
      onClose: (session) => limits.passed(session),
    });
    const limits = limitConnections(server, {
      perAddress: config.maxPerAddress ?? DEFAULTS.maxPerAddress,
      untilPassedMs: config.loginMs ?? DEFAULTS.loginMs,
    });
    return server;
  }

  const listeners = [
    { port: config.tlsPort, server: serverFor(true) },
    { port: config.starttlsPort, server: serverFor(false) },
  ];
  for (const { server } of listeners) {
    server.on("error", (err) => log.debug({ err }, "submission connection failed"));
  }

  async function listen({ port, server }: (typeof listeners)[number]): Promise<number | null> {
    if (port === null) return null;
    server.listen(port, config.host);
    await once(server.server, "listening");
    return (server.server.address() as AddressInfo).port;
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
      const ports = await Promise.allSettled(listeners.map(listen));
      const failed = ports.find((result) => result.status === "rejected");
      if (failed) {
        await close(0);
        throw failed.reason;
      }
      const [tlsPort = null, starttlsPort = null] = ports.map((p) =>
        p.status === "fulfilled" ? p.value : null,
      );
      return { tlsPort, starttlsPort };
    },
    close,
    setTls(tls) {
      for (const { server } of listeners) server.updateSecureContext(tls);
    },
  };
}

type Answer = void | string;

/** What is thrown is the reply; anything else than a reply is a bug of ours and no fault of the client. */
async function answer(
  decideIt: () => Answer | Promise<Answer>,
  done: (error?: Error | null, message?: string) => void,
): Promise<void> {
  let error: Error | null = null;
  let message: string | undefined;
  try {
    const result = decideIt();
    message = (result instanceof Promise ? await result : result) ?? undefined;
  } catch (thrown) {
    error = thrown instanceof SmtpReply ? thrown : INTERNAL;
  }
  done(error, message);
}

const INTERNAL = new SmtpReply({ code: 451, enhanced: "4.3.0", text: "Local error, try again later" });
