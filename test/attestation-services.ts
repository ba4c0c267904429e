import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

/** What a test closes at its end. */
type Closers = { close(): unknown }[];

/** A WebSocket service that keeps what it said, and what it was told. */
export class Service {
  readonly requests: IncomingMessage[] = [];
  readonly received: unknown[] = [];
  onConnect: (ws: WebSocket, url: URL) => void = () => undefined;
  origin = "";
  #server = new WebSocketServer({ port: 0, host: "127.0.0.1" });

  static async start(open: Closers): Promise<Service> {
    const service = new Service();
    await once(service.#server, "listening");
    service.origin = `http://127.0.0.1:${(service.#server.address() as AddressInfo).port}`;
    service.#server.on("connection", (ws, request) => {
      service.requests.push(request);
      ws.on("message", (data: Buffer) => service.received.push(JSON.parse(data.toString())));
      service.onConnect(ws, new URL(request.url!, service.origin));
    });
    open.push(service);
    return service;
  }

  say(message: unknown): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    for (const ws of this.#server.clients) ws.send(text);
  }

  drop(): void {
    for (const ws of this.#server.clients) ws.terminate();
  }

  query(connection: number): URLSearchParams {
    return new URL(this.requests.at(connection)!.url!, this.origin).searchParams;
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Answer = object | "unsupported" | undefined;

/** An HTTP service that lists accounts as a relay does. */
export async function startListing(open: Closers, answer: (url: URL) => Answer): Promise<string> {
  const server = createServer((req, res) => {
    const body = answer(new URL(req.url!, "http://relay"));
    if (body === "unsupported") return void res.writeHead(501).end('{"error":"MethodNotImplemented"}');
    if (body === undefined) return void res.writeHead(500).end();
    res.setHeader("content-type", "application/json").end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
