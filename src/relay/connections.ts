import type { Socket } from "node:net";
import type { SMTPServer, SMTPServerSession } from "smtp-server";
import { clientNetwork } from "../lib/client-network.ts";
import {
  LOGIN_TOO_SLOW,
  TOO_MANY_CONNECTIONS,
  TOO_MANY_FROM_ADDRESS,
  type Refusal,
} from "./submission/refusal.ts";

export type ConnectionLimits = {
  /** Connections from one IPv4 address or IPv6 network of 64 bits, those in their TLS handshake and those that speak counted apart. */
  perAddress: number;
  /** Connections over all servers; default: no limit but that of each server. */
  total?: number;
  /** Time for the TLS handshake, and then until `passed` is called. */
  untilPassedMs: number;
  /** Hears of each session that is sent away. */
  told?: (refusal: Refusal, session: SMTPServerSession) => void;
};

/**
 * Keeps the places of servers free for those who mean it: so many connections from one address, over all of the
 * servers, and so much time until a session has passed.
 */
export function limitConnections({ perAddress, total = Infinity, untilPassedMs, told }: ConnectionLimits) {
  const timers = new Map<string, NodeJS.Timeout>();
  const servers: SMTPServer[] = [];
  const connections = () => servers.flatMap((server) => [...server.connections]);
  const connectionOf = ({ id }: SMTPServerSession) => connections().find((c) => c.id === id);

  function guard(server: SMTPServer): void {
    servers.push(server);
    const listener = server.server;
    const [accept] = listener.listeners("connection") as ((socket: Socket) => void)[];
    listener.removeAllListeners("connection");
    listener.on("connection", (socket: Socket) => {
      const pending = servers.flatMap((one) => [...one._pendingSockets.keys()]);
      // Nothing is spent on a handshake, and nothing can be said before it.
      if (pending.filter((other) => sameClient(other, socket)).length >= perAddress)
        return void socket.destroy();
      accept?.call(listener, socket);
      // The TLS socket on top: to tear down the one below it in the middle of a handshake crashes Node.
      setTimeout(() => server._pendingSockets.get(socket)?.destroy(), untilPassedMs).unref();
    });
  }

  function passed({ id }: SMTPServerSession): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
  }

  function watch(session: SMTPServerSession): void {
    const timer = setTimeout(() => {
      timers.delete(session.id);
      const connection = connectionOf(session);
      // A handshake that was asked for has the same time again.
      if (connection?._upgrading) return watch(session);
      if (!connection) return;
      told?.(LOGIN_TOO_SLOW, session);
      connection.send(421, line(LOGIN_TOO_SLOW), false);
      connection.close();
    }, untilPassedMs);
    timer.unref();
    timers.set(session.id, timer);
  }

  return {
    /** To be called before the server listens. */
    guard,
    connectionOf,
    /** For `onConnect`: the reply that refuses the session, or undefined. */
    opened(session: SMTPServerSession): Error | undefined {
      const all = connections();
      const same = all.filter((c) => sameClient(c, session)).length;
      if (same <= perAddress && all.length <= total) {
        watch(session);
        return undefined;
      }
      const refusal = same > perAddress ? TOO_MANY_FROM_ADDRESS : TOO_MANY_CONNECTIONS;
      told?.(refusal, session);
      return Object.assign(new Error(line(refusal)), { responseCode: refusal.code });
    },
    /** The session has shown who it is, or has ended. */
    passed,
  };
}

const line = ({ enhanced, text }: Refusal) => `${enhanced} ${text}`;

type Remote = { remoteAddress?: string | undefined };
const sameClient = (one: Remote, other: Remote) =>
  clientNetwork(one.remoteAddress ?? "") === clientNetwork(other.remoteAddress ?? "");
