import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { errorFrame, infoFrame, labelsFrame, type StreamError } from "../protocol/labels/index.ts";
import type { Labels } from "./labels.ts";
import { integer } from "./query.ts";
import { createTail, type StreamFrame } from "./tail.ts";

export type SubscribeOptions = {
  /** Open connections. Default 2,000. */
  maxSubscribers?: number;
  /** A subscriber that takes longer than this for what waits for it is dropped. Default 30 s. */
  slowAfterMs?: number;
  /** New labels are gathered for so long and leave together. Default 50 ms. */
  gatherMs?: number;
  pingMs?: number;
};

const PATH = "/xrpc/com.atproto.label.subscribeLabels";
const PAGE = 200;
/** Octets that may wait for a subscriber before it is waited for. */
const HIGH_WATER = 128 * 1024;
const CLOSE_GRACE_MS = 1_000;
/** For who is sent away to read why. */
const GOODBYE_MS = 5_000;

/**
 * Serves `com.atproto.label.subscribeLabels` on a server's upgrades. Each subscriber has its own place in the stored
 * stream and reads on from there, page by page, so backlog and live cannot have a gap between them, and nothing is
 * buffered for those who lag. Those who are up to date share the frames of the tail.
 */
export function attachSubscribeLabels(server: Server, labels: Labels, options: SubscribeOptions = {}) {
  const { maxSubscribers = 2_000, slowAfterMs = 30_000, pingMs = 30_000, gatherMs = 50 } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  const bells = new Set<Bell>();
  const tail = createTail(labels.lastSeq());
  let gathering: NodeJS.Timeout | undefined;
  const offLabels = labels.onLabels((said) => {
    for (const { seq, label } of said) tail.push({ seq, bytes: labelsFrame(seq, [label]) });
    gathering ??= setTimeout(() => {
      gathering = undefined;
      for (const bell of bells) bell.ring();
    }, gatherMs);
  });

  /** From the tail where it reaches back so far, else from the store: the two meet without a gap. */
  async function framesAfter(position: number): Promise<StreamFrame[]> {
    const live = tail.after(position, PAGE);
    if (live) return live;
    const page = await labels.after(position, PAGE);
    // Reading a long backlog is not to keep everything else from its turn.
    await new Promise((resolve) => setImmediate(resolve));
    return page.map(({ seq, label }) => ({ seq, bytes: labelsFrame(seq, [label]) }));
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = URL.parse(request.url ?? "/", "http://labeler");
    if (url === null) return refuse(socket, 400, "InvalidRequest", "the target of the request is no path");
    if (url.pathname !== PATH) {
      if (server.listenerCount("upgrade") === 1)
        refuse(socket, 404, "NotFound", "there is no WebSocket here");
      return;
    }
    const asked = url.searchParams.get("cursor");
    const cursor = asked === null ? undefined : integer(asked);
    if (asked !== null && cursor === undefined) {
      return refuse(socket, 400, "InvalidRequest", "cursor is a non-negative number");
    }
    if (sockets.clients.size >= maxSubscribers) {
      return refuse(socket, 503, "TooManySubscribers", "all places are taken: try again later");
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      void serve(ws, socket, cursor).catch((err) => {
        labels.log.error({ err }, "subscribeLabels failed");
        end(ws, "InternalServerError", "the stream broke off: connect again");
      });
    });
  }

  async function serve(ws: WebSocket, socket: Duplex, cursor: number | undefined): Promise<void> {
    let position = cursor ?? labels.lastSeq();
    const bell = createBell();
    const stopPings = keepAlive(ws, pingMs);
    bells.add(bell);
    labels.metrics?.labelSubscribers.inc();
    ws.on("error", () => ws.terminate());
    ws.on("close", () => {
      stopPings();
      bells.delete(bell);
      labels.metrics?.labelSubscribers.dec();
      bell.ring();
    });

    if (position > labels.highestCursor()) {
      return end(ws, "FutureCursor", "the cursor is ahead of the stream: start again without one, or with 0");
    }
    if (position > 0 && labels.isOutdated(position) && !tail.after(position, 1)) {
      ws.send(
        infoFrame("OutdatedCursor", "labels after this cursor are kept no longer: here is all there is"),
      );
      position = 0;
    }
    while (ws.readyState === ws.OPEN) {
      // Asked for before the stream is read, so that what is stored in between is not missed.
      const news = bell.next();
      const page = await framesAfter(position);
      if (ws.readyState !== ws.OPEN) return;
      if (page.length === 0) {
        await news;
        continue;
      }
      socket.cork();
      for (const { bytes } of page) ws.send(bytes);
      socket.uncork();
      position = page.at(-1)!.seq;
      if (ws.bufferedAmount > HIGH_WATER && !(await flushed(ws, slowAfterMs))) {
        return end(
          ws,
          "ConsumerTooSlow",
          "you read more slowly than labels are made: connect again with your cursor",
        );
      }
    }
  }

  server.on("upgrade", onUpgrade);
  return {
    /** Ends every subscription. */
    async close(): Promise<void> {
      server.off("upgrade", onUpgrade);
      offLabels();
      clearTimeout(gathering);
      for (const ws of sockets.clients) ws.close(1001);
      const force = setTimeout(() => {
        for (const ws of sockets.clients) ws.terminate();
      }, CLOSE_GRACE_MS);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(force);
    },
  };
}

/** `next()` resolves at the first `ring()` after it was called. */
type Bell = { next(): Promise<void>; ring(): void };

function createBell(): Bell {
  let waiting: (() => void)[] = [];
  return {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    ring() {
      const now = waiting;
      waiting = [];
      for (const resolve of now) resolve();
    },
  };
}

/** Resolves true once all that was sent is in the hands of the system, false when that takes too long. */
function flushed(ws: WebSocket, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    // The write queue is in order: an empty pong is through once everything before it is.
    ws.pong("", false, () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

function end(ws: WebSocket, error: StreamError, message: string): void {
  if (ws.readyState !== ws.OPEN) return;
  ws.send(errorFrame(error, message));
  ws.close(1008, error);
  setTimeout(() => ws.terminate(), GOODBYE_MS).unref();
}

function keepAlive(ws: WebSocket, everyMs: number): () => void {
  let answered = true;
  ws.on("pong", () => (answered = true));
  const timer = setInterval(() => {
    if (!answered) return ws.terminate();
    answered = false;
    ws.ping();
  }, everyMs);
  return () => clearInterval(timer);
}

function refuse(socket: Duplex, status: number, error: string, message: string): void {
  const body = JSON.stringify({ error, message });
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
