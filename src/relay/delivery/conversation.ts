import { Readable } from "node:stream";
import { createSecureContext, TLSSocket } from "node:tls";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { parseReply, type ReplyPhase } from "../../protocol/smtp-reply/index.ts";
import type { Deadlines } from "../context.ts";
import { createTranscript } from "./transcript.ts";

export const DEADLINES: Deadlines = {
  connect: 30_000,
  allHosts: 60_000,
  mail: 60_000,
  rcpt: 60_000,
  dataStart: 120_000,
  body: 600_000,
  dataEnd: 600_000,
};

export type Target = {
  name: string;
  address: string;
  port: number;
  /** False only for domains that the operator lets go in clear. */
  requireTls: boolean;
  ehlo: string;
  localAddress?: string | undefined;
  deadlines: Deadlines;
};

/** What the other side said last, in which phase; code 0 when it said nothing. */
export type Reply = { code: number; enhanced: string; text: string; phase: ReplyPhase };

export type Transfer = {
  from: string;
  to: string;
  size: number;
  /** What the message needs of the host (RFC 6152, RFC 6531). */
  eightBit: boolean;
  smtpUtf8: boolean;
  /** For a host that offers DSN (RFC 3461), decoded. */
  dsn: DsnRequest;
  content: AsyncIterable<Uint8Array>;
  /** Asked right before the final dot. */
  mayFinish: () => boolean;
};

export type DsnRequest = {
  ret: "FULL" | "HDRS" | null;
  envid: string | null;
  notify: string | null;
  orcpt: string | null;
};

type TransferResult =
  | { aborted: true; transcript: string }
  | {
      aborted: false;
      reply: Reply;
      /** Protocol and cipher, or empty. */
      tls: string;
      transcript: string;
      /** The host tells what becomes of the message, as it was asked (DSN). */
      tells: boolean;
      /** May the connection be used for another message? */
      usable: boolean;
    };

export interface Conversation {
  transfer(message: Transfer): Promise<TransferResult>;
  /** Ends the transfer under way, unless its final dot has left; nothing is delivered then. */
  abort(): void;
  /** QUIT. */
  close(): void;
}

type SmtpError = Error & { code?: string; command?: string; response?: string; originalCode?: string };

/** What nodemailer keeps to itself: what the host offers, and how a command is said. */
type Inner = { _supportedExtensions: string[]; _sendCommand(command: string, logged?: string): void };

const silent = () => undefined;
/** One for all: each would cost its making. */
const secureContext = createSecureContext({ minVersion: "TLSv1.2" });

/**
 * Opens a connection up to EHLO under TLS (1.2 or newer, the certificate is not judged: the floor, against
 * listeners only). Every phase has a deadline of its own in real time. Never rejects.
 */
export function openConversation(
  target: Target,
): Promise<{ ok: true; conversation: Conversation } | { ok: false; reply: Reply; transcript: string }> {
  const transcript = createTranscript();
  const { deadlines } = target;
  let phase: ReplyPhase = "connect";
  let timer: NodeJS.Timeout | undefined;
  let expired = "";

  function arm(next: ReplyPhase, ms: number): void {
    phase = next;
    clearTimeout(timer);
    timer = setTimeout(() => {
      expired = `no answer within ${Math.round(ms / 1000)} s (${next})`;
      transcript.add("*", expired);
      end(new Error(expired));
    }, ms);
  }

  function listen(level: { tnx?: string }, text: string): void {
    if (level.tnx === "server") transcript.add("S", text);
    if (level.tnx !== "client") return;
    transcript.add("C", text);
    const verb = text.slice(0, 4).toUpperCase();
    if (verb === "EHLO") phase = phase === "starttls" ? "starttls" : "ehlo";
    else if (verb === "STAR") phase = "starttls";
    else if (verb === "MAIL") arm("mail", deadlines.mail);
    else if (verb === "RCPT") arm("rcpt", deadlines.rcpt);
    else if (verb === "DATA") arm("data", deadlines.dataStart);
  }

  const connection = new SMTPConnection({
    host: target.address,
    port: target.port,
    servername: target.name,
    secure: false,
    requireTLS: target.requireTls,
    name: target.ehlo,
    localAddress: target.localAddress,
    allowInternalNetworkInterfaces: true,
    tls: { secureContext, rejectUnauthorized: false, servername: target.name },
    connectionTimeout: deadlines.connect,
    greetingTimeout: deadlines.connect,
    socketTimeout: Math.max(deadlines.body, deadlines.dataEnd) + 1_000,
    socketCloseTimeout: 2_000,
    maxResponseSize: 65_536,
    transactionLog: true,
    logger: { trace: silent, debug: listen, info: silent, warn: silent, error: silent, fatal: silent },
  });

  /** A header in UTF-8 needs SMTPUTF8 as addresses do, and nodemailer looks only at those. */
  let needUtf8 = false;
  const inner = connection as unknown as Inner;
  const sendCommand = inner._sendCommand.bind(connection);
  inner._sendCommand = (command, logged) => {
    const mail = needUtf8 && command.startsWith("MAIL FROM:") && !/ SMTPUTF8\b/.test(command);
    sendCommand(mail ? `${command} SMTPUTF8` : command, logged);
  };

  /** Whoever waits for the connection now. */
  let settle: ((error: SmtpError | undefined) => void) | undefined;
  function end(error: SmtpError | undefined): void {
    const waiting = settle;
    settle = undefined;
    clearTimeout(timer);
    waiting?.(error);
  }
  connection.on("error", (error: SmtpError) => end(error));
  connection.on("end", () => end(new Error("the connection was closed")));

  function replyOf(error: SmtpError): Reply {
    if (error.command === "MAIL FROM" && error.code === "EMESSAGE") {
      return { code: 552, enhanced: "5.3.4", text: error.message, phase: "mail" };
    }
    if (error.response) return { ...parseReply(error.response), phase: phaseOf(error, phase) };
    const text = expired || `${error.message}${error.originalCode ? ` (${error.originalCode})` : ""}`;
    return { code: 0, enhanced: "", text: text.slice(0, 300), phase: phaseOf(error, phase) };
  }

  function destroy(): void {
    connection.options.socketCloseTimeout = 0;
    connection.close();
  }

  const conversation: Conversation & { stop?: () => void } = {
    async transfer(message) {
      const offered = inner._supportedExtensions;
      const lacking = lackingFor(message, offered);
      if (lacking) {
        transcript.add("*", lacking.text);
        const facts = { tls: tlsOf(connection), transcript: transcript.take() };
        return { aborted: false, reply: lacking, ...facts, tells: false, usable: !connection.destroyed };
      }
      needUtf8 = message.smtpUtf8;
      const tells = offered.includes("DSN");
      let dotGone = false;
      let aborted = false;
      const stopped = new Error("stopped before the final dot");
      async function* guarded(): AsyncGenerator<Buffer> {
        arm("body", deadlines.body);
        for await (const chunk of message.content) {
          yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
        }
        if (aborted || !message.mayFinish()) throw stopped;
        dotGone = true;
        arm("body", deadlines.dataEnd);
      }
      conversation.stop = () => {
        const unsent = connection._socket ? connection._socket.writableLength > 0 : true;
        if (dotGone && !unsent) return;
        aborted = true;
        end(stopped);
      };
      const source = Readable.from(guarded(), { objectMode: false });
      const outcome = await new Promise<SmtpError | string>((resolve) => {
        settle = (error) => resolve(error ?? new Error("the connection was closed"));
        connection.send(
          {
            from: message.from,
            to: [message.to],
            size: message.size,
            use8BitMime: message.eightBit || message.smtpUtf8,
            dsn: dsnOf(message.dsn),
          },
          source,
          (error, info) => {
            settle = undefined;
            resolve(error ?? info?.response ?? "");
          },
        );
      });
      clearTimeout(timer);
      conversation.stop = () => undefined;
      source.destroy();
      if (outcome === stopped) {
        destroy();
        transcript.add("*", "stopped before the final dot: the member may not send now");
        return { aborted: true, transcript: transcript.take() };
      }
      const tls = tlsOf(connection);
      if (typeof outcome === "string") {
        const reply: Reply = { ...parseReply(outcome), phase: "body" };
        const usable = !connection.destroyed;
        return { aborted: false, reply, tls, transcript: transcript.take(), tells, usable };
      }
      const reply = replyOf(outcome);
      const usable =
        !connection.destroyed && reply.code >= 400 && reply.code !== 421 && (await reset(connection));
      if (!usable) destroy();
      return { aborted: false, reply, tls, transcript: transcript.take(), tells, usable };
    },
    abort() {
      conversation.stop?.();
    },
    close() {
      if (connection.destroyed) return;
      connection.quit();
      const giveUp = setTimeout(destroy, 2_000);
      connection.once("end", () => clearTimeout(giveUp));
    },
  };

  return new Promise((resolve) => {
    const failed = (error: SmtpError) => {
      destroy();
      resolve({ ok: false, reply: replyOf(error), transcript: transcript.take() });
    };
    settle = (error) => failed(error ?? new Error("the connection was closed"));
    transcript.add("*", `${target.name} [${target.address}]:${target.port}`);
    arm("connect", deadlines.connect);
    connection.connect((error?: SmtpError | null) => {
      if (!settle) return;
      if (error) return end(error);
      settle = undefined;
      clearTimeout(timer);
      resolve({ ok: true, conversation });
    });
  });
}

const lack = (enhanced: string, text: string): Reply => ({ code: 550, enhanced, text, phase: "mail" });

/** The reply of a host that cannot take the message as it is. What is signed is not converted: the signature would break. */
function lackingFor({ eightBit, smtpUtf8, to }: Transfer, offered: readonly string[]): Reply | undefined {
  const utf8Address = /\P{ASCII}/u.test(to);
  if ((smtpUtf8 || utf8Address) && !offered.includes("SMTPUTF8")) {
    return utf8Address
      ? lack("5.6.7", "The host takes no addresses in UTF-8 (SMTPUTF8)")
      : lack("5.6.9", "The host takes no header in UTF-8 (SMTPUTF8); encode it (RFC 2047) and send it again");
  }
  if (eightBit && !offered.includes("8BITMIME")) {
    return lack(
      "5.6.3",
      "The host takes no 8-bit content (8BITMIME); encode it (quoted-printable, base64) and send it again",
    );
  }
  return undefined;
}

/**
 * The report comes to us, by the return path: of a failure we always want to hear. Whom the member asked not to be told
 * of (NEVER) is no business of the next host.
 */
function dsnOf({ ret, envid, notify, orcpt }: DsnRequest) {
  const asked =
    notify === null || notify === "NEVER" ? undefined : [...new Set([...notify.split(","), "FAILURE"])];
  return {
    ...(ret && { ret }),
    ...(envid && { envid }),
    ...(asked && { notify: asked }),
    ...(orcpt && !/\P{ASCII}/u.test(orcpt) && { orcpt }),
  };
}

/** After a refusal the session is set back, within a moment or not at all. */
function reset(connection: SMTPConnection): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 5_000);
    connection.reset((error) => {
      clearTimeout(timer);
      resolve(!error);
    });
  });
}

function phaseOf(error: SmtpError, current: ReplyPhase): ReplyPhase {
  if (error.code === "ETLS" || error.command === "STARTTLS") return "starttls";
  switch (error.command) {
    case "EHLO":
      return current === "starttls" ? "starttls" : "ehlo";
    case "MAIL FROM":
      return "mail";
    case "RCPT TO":
      return "rcpt";
    case "DATA":
      return error.code === "EMESSAGE" ? "body" : "data";
    default:
      return current;
  }
}

function tlsOf(connection: SMTPConnection): string {
  const socket = connection._socket;
  return socket instanceof TLSSocket
    ? `${socket.getProtocol() ?? "TLS"} ${socket.getCipher()?.name ?? ""}`.trim()
    : "";
}
