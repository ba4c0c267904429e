import { createConnection, isIP, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, getCACertificates, TLSSocket } from "node:tls";
import type { SecureContext } from "node:tls";
import { createReplyReader, type RawReply } from "./reply-reader.ts";

/** `late`: its deadline passed; else it was closed, broken, or no SMTP. */
export type Fault = { fault: string; late?: boolean };

/** One connection to a host. Every wait has a deadline in ms of real time, and nothing rejects. */
export interface Wire {
  /** The next reply, or why there is none. One wait at a time. */
  reply(ms: number, what: string): Promise<RawReply | Fault>;
  /** Resolves when there is room for more; false: the connection has ended. */
  write(data: string | Buffer): Promise<boolean> | true;
  /** Nothing was said that nobody waited for, and the connection is open. */
  isQuiet(): boolean;
  /** Everything that was written has left this process. */
  isFlushed(): boolean;
  startTls(servername: string, ms: number): Promise<TLSSocket | Fault>;
  socket(): Socket;
  /** Whoever waits is told `why`, and the connection ends at once. */
  break(why: string): void;
}

export type ConnectTo = {
  address: string;
  port: number;
  localAddress?: string | undefined;
  /** PEM, trusted beside the system's authorities. */
  ca?: string | undefined;
};

/** Replies that nobody asked for; a host that says more is not listened to. */
const MAX_UNASKED = 200;

/** TLS 1.2 or newer. One for all: each would cost its making. */
const contexts = new Map<string, SecureContext>();
function contextOf(ca = ""): SecureContext {
  let context = contexts.get(ca);
  if (!context) {
    const trusted = ca === "" ? {} : { ca: [...getCACertificates("default"), ca] };
    context = createSecureContext({ minVersion: "TLSv1.2", ...trusted });
    contexts.set(ca, context);
  }
  return context;
}

export async function connectWire(to: ConnectTo, ms: number): Promise<Wire | Fault> {
  const { address, port, localAddress, ca } = to;
  const socket = createConnection({
    host: address,
    port,
    noDelay: true,
    ...(localAddress && { localAddress }),
  });
  const fault = await opened(socket, "connect", ms, "the connection");
  return fault === undefined ? wireOf(socket, ca) : { fault };
}

function wireOf(plain: Socket, ca: string | undefined): Wire {
  let socket = plain;
  let reader = createReplyReader();
  let ended: string | undefined;
  let late = false;
  const unread: RawReply[] = [];
  let settle: ((reply: RawReply | Fault) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let drained: ((open: boolean) => void) | undefined;

  function give(reply: RawReply | Fault): void {
    const waiting = settle;
    settle = undefined;
    clearTimeout(timer);
    if (waiting) waiting(reply);
    else if ("code" in reply && unread.push(reply) > MAX_UNASKED) end("the host says more than it is asked");
  }

  function end(why: string): void {
    ended ??= why;
    if (settle) give({ fault: ended, late });
    drained?.(false);
    drained = undefined;
    socket.destroy();
  }

  function onData(chunk: Buffer): void {
    const replies = reader.push(chunk.toString("utf8"));
    if ("fault" in replies) return end(replies.fault);
    for (const reply of replies) give(reply);
  }
  const onError = (error: NodeJS.ErrnoException) =>
    end(`${error.message}${error.code && !error.message.includes(error.code) ? ` (${error.code})` : ""}`);
  const onEnd = () => end("the connection was closed");
  const onDrain = () => {
    drained?.(true);
    drained = undefined;
  };
  function listen(): void {
    socket.on("data", onData).on("error", onError).on("end", onEnd).on("close", onEnd).on("drain", onDrain);
  }
  listen();

  return {
    reply(ms, what) {
      const ready = unread.shift();
      if (ready) return Promise.resolve(ready);
      if (ended !== undefined) return Promise.resolve({ fault: ended, late });
      return new Promise((resolve) => {
        settle = resolve;
        timer = setTimeout(() => {
          late = true;
          end(`no answer within ${seconds(ms)} s (${what})`);
        }, ms);
      });
    },
    write(data) {
      if (ended !== undefined) return Promise.resolve(false);
      if (socket.write(data)) return true;
      return new Promise((resolve) => (drained = resolve));
    },
    isQuiet: () => ended === undefined && unread.length === 0 && !reader.pending(),
    isFlushed: () => socket.writableLength === 0,
    async startTls(servername, ms) {
      // What came in clear behind the 220 would be read as if it were protected (CVE-2011-0411).
      if (unread.length > 0 || reader.pending()) {
        const fault = "the host went on in clear after STARTTLS: somebody may have put words in";
        end(fault);
        return { fault };
      }
      socket
        .off("data", onData)
        .off("error", onError)
        .off("end", onEnd)
        .off("close", onEnd)
        .off("drain", onDrain);
      // Faults are told by the TLS socket above it.
      plain.on("error", () => undefined);
      const named = servername !== "" && isIP(servername) === 0;
      const secure = connectTls({
        socket,
        secureContext: contextOf(ca),
        rejectUnauthorized: false,
        ...(named && { servername }),
      });
      const fault = await opened(secure, "secureConnect", ms, "TLS");
      if (fault !== undefined) {
        ended ??= fault;
        plain.destroy();
        return { fault };
      }
      socket = secure;
      reader = createReplyReader();
      listen();
      return secure;
    },
    socket: () => socket,
    break: end,
  };
}

function seconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1000));
}

/** Waits for the event; why it did not come otherwise. */
function opened(socket: Socket, event: string, ms: number, what: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(`no answer within ${seconds(ms)} s (${what})`), ms);
    const failed = (error: NodeJS.ErrnoException) =>
      finish(
        `${error.message.slice(0, 200)}${error.code && !error.message.includes(error.code) ? ` (${error.code})` : ""}`,
      );
    const closed = () => finish("the connection was closed");
    function finish(fault?: string): void {
      clearTimeout(timer);
      socket.off("error", failed).off("close", closed).off(event, done);
      if (fault !== undefined) {
        // What it may still say is of no interest.
        socket.on("error", () => undefined);
        socket.destroy();
      }
      resolve(fault);
    }
    const done = () => finish();
    socket.once(event, done).on("error", failed).once("close", closed);
  });
}
