import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * A reverse proxy on loopback. Without `onUpgrade` it is one that was not told of upgrades: the hop-by-hop headers
 * stay behind (RFC 9110, 7.6.1).
 */
export async function startProxy(
  target: () => URL,
  onUpgrade?: Upgrade,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const { upgrade: _, connection: __, ...headers } = incoming.headers;
    const forward = request(
      new URL(incoming.url!, target()),
      { method: incoming.method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forward.on("error", () => outgoing.writeHead(502).end());
    incoming.pipe(forward);
  });
  if (onUpgrade) server.on("upgrade", onUpgrade);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a proxy does that was told of upgrades. */
export function passUpgrade(target: () => URL): Upgrade {
  return (incoming, socket, head) => {
    const forward = request(new URL(incoming.url!, target()), { headers: incoming.headers });
    forward.on("error", () => socket.destroy());
    forward.on("upgrade", (answer, far, first) => {
      const lines = answer.rawHeaders.flatMap((name, i, all) => (i % 2 ? [] : `${name}: ${all[i + 1]}`));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      socket.write(first);
      far.write(head);
      far.pipe(socket).pipe(far);
      for (const one of [far, socket]) one.on("error", () => (far.destroy(), socket.destroy()));
    });
    forward.end();
  };
}
