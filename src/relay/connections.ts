import type { Socket } from "node:net";
import type { SMTPServer, SMTPServerSession } from "smtp-server";

export type ConnectionLimits = {
  /** Connections from one address, those in their TLS handshake and those that speak counted apart. */
  perAddress: number;
  /** Time for the TLS handshake, and then until `passed` is called. */
  untilPassedMs: number;
};

/**
 * Keeps the places of a server free for those who mean it: so many connections from one address, and so much time
 * until a session has passed. To be made before the server listens.
 */
export function limitConnections(server: SMTPServer, { perAddress, untilPassedMs }: ConnectionLimits) {
  const timers = new Map<string, NodeJS.Timeout>();
  const listener = server.server;
  const [accept] = listener.listeners("connection") as ((socket: Socket) => void)[];
  listener.removeAllListeners("connection");
  listener.on("connection", (socket: Socket) => {
    const pending = [...server._pendingSockets.keys()];
    // Nothing is spent on a handshake, and nothing can be said before it.
    if (pending.filter((other) => other.remoteAddress === socket.remoteAddress).length >= perAddress)
      return void socket.destroy();
    accept?.call(listener, socket);
    // The TLS socket on top: to tear down the one below it in the middle of a handshake crashes Node.
    setTimeout(() => server._pendingSockets.get(socket)?.destroy(), untilPassedMs).unref();
  });

  function passed({ id }: SMTPServerSession): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
  }

  function watch(session: SMTPServerSession): void {
    const timer = setTimeout(() => {
      timers.delete(session.id);
      const connection = [...server.connections].find((c) => c.id === session.id);
      // A handshake that was asked for has the same time again.
      if (connection?._upgrading) return watch(session);
      connection?.send(421, "4.4.2 Too slow, try again later");
      connection?.close();
    }, untilPassedMs);
    timer.unref();
    timers.set(session.id, timer);
  }

  return {
    /** For `onConnect`: the reply that refuses the session, or undefined. */
    opened(session: SMTPServerSession): Error | undefined {
      const same = [...server.connections].filter((c) => c.remoteAddress === session.remoteAddress).length;
      if (same > perAddress)
        return Object.assign(new Error("4.7.0 Too many connections from your address"), {
          responseCode: 421,
        });
      watch(session);
      return undefined;
    },
    /** The session has shown who it is, or has ended. */
    passed,
  };
}
