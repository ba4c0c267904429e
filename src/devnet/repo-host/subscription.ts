import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { errorFrame, eventFrame } from "./frame.ts";
import type { RepoStore } from "./store.ts";

const PATH = "/xrpc/com.atproto.sync.subscribeRepos";
const PAGE = 100;
const MAX_SUBSCRIBERS = 50;

export type Stream = {
  /** There is something new to read. */
  wake(): void;
  close(): Promise<void>;
};

/** `com.atproto.sync.subscribeRepos` on `server`: every subscriber reads the table at its own pace, so nothing is lost. */
export function serveStream(server: Server, store: RepoStore): Stream {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 });
  const waiting = new Set<() => void>();

  function wake(): void {
    for (const go of waiting) go();
    waiting.clear();
  }

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname !== PATH) return void socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    if (sockets.clients.size >= MAX_SUBSCRIBERS) {
      return void socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n");
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => ws.terminate());
      void follow(ws, url.searchParams.get("cursor"));
    });
  });

  async function follow(ws: WebSocket, cursor: string | null): Promise<void> {
    const { oldest, newest } = store.eventRange();
    const from = cursor === null ? newest : Number(cursor);
    if (!Number.isSafeInteger(from) || from < 0) return end(ws, "InvalidRequest", "cursor is not a number");
    if (from > newest) return end(ws, "FutureCursor", "Cursor in the future");
    if (cursor !== null && from + 1 < oldest) {
      ws.send(eventFrame("#info", { name: "OutdatedCursor", message: `The oldest event is ${oldest}` }));
    }
    ws.on("close", wake);
    let last = from;
    while (ws.readyState === ws.OPEN) {
      const events = store.events(last, PAGE);
      for (const event of events) {
        const failed = await new Promise((sent) => ws.send(event.frame, sent));
        if (failed) return ws.terminate();
        last = event.seq;
      }
      if (events.length === 0) await new Promise<void>((go) => waiting.add(go));
    }
  }

  return {
    wake,
    async close() {
      for (const ws of sockets.clients) ws.terminate();
      await new Promise((done) => sockets.close(done));
    },
  };
}

function end(ws: WebSocket, error: string, message: string): void {
  ws.send(errorFrame(error, message), () => ws.close());
}
