import type { SMTPServer } from "smtp-server";
import type { Connection } from "./replies.ts";

/**
 * smtp-server keeps back its banner for 100 ms, for clients that talk before it; who connects for each message waits
 * for that each time. Behind a log-in there is little to win by it: here the banner leaves as soon as what came with the
 * handshake has been looked at, and who has talked by then is refused as ever. `opened` has each connection before
 * anything is read from it.
 */
export function greetAtOnce(server: SMTPServer, opened: (connection: Connection) => void): void {
  const connect = server.connect.bind(server);
  server.connect = (socket, options) => {
    connect(socket, options);
    const connection = [...server.connections].at(-1);
    if (!connection) return;
    opened(connection);
    const connectionReady = connection.connectionReady.bind(connection);
    let greeted = false;
    connection.connectionReady = (next) => {
      if (greeted) return;
      greeted = true;
      connectionReady(next);
    };
    setImmediate(() => connection.connectionReady());
  };
}
