import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Asked = { method: string; url: URL; authorization: string; body: string };
export type Reply =
  | { status?: number; json?: unknown; text?: string; headers?: Record<string, string> }
  /** Nothing is ever said. */
  | "hang";

/** A provider on loopback: token endpoint and API behind one handler, which sees each request. */
export async function openProvider(answer: (asked: Asked) => Reply) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => void handle(request, response));
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const one = {
      method: request.method ?? "",
      url: new URL(request.url ?? "/", "http://127.0.0.1"),
      authorization: request.headers.authorization ?? "",
      body,
    };
    asked.push(one);
    const reply = answer(one);
    if (reply === "hang") return;
    const { status = 200, json, text = JSON.stringify(json), headers } = reply;
    response.writeHead(status, {
      "content-type": json === undefined ? "text/plain" : "application/json",
      ...headers,
    });
    response.end(text);
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    asked,
    endpoints: { authorizeUrl: `${origin}/authorize`, tokenUrl: `${origin}/token`, api: origin },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
