import { request } from "node:http";
import { createServer } from "node:https";
import type { Certificate } from "./certificate.ts";
import type { Address, Server } from "./process.ts";

/** A reverse proxy that ends TLS, as operators have one before the product. */
export async function startHttpsFront(options: {
  certificate: Certificate;
  at: Address;
  /** Where requests go on to, over plain HTTP. */
  to: Address;
}): Promise<Server> {
  const { certificate, at, to } = options;
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (incoming, outgoing) => {
    const { method, url: path } = incoming;
    const headers = { ...incoming.headers, "x-forwarded-for": incoming.socket.remoteAddress };
    const onward = request({ host: to.host, port: to.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, resolve);
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { stop, [Symbol.asyncDispose]: stop };
}
