import type { WebSocket } from "ws";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../platform/log.ts";
import type { OpenWebSocket } from "../../platform/websocket.ts";
import type { Dialect, Message, RepoHint } from "./source.ts";

export type StreamParts = {
  /** Where positions are kept over a restart. */
  positions: {
    get(name: string): number | undefined;
    save(name: string, position: number): void;
    clear(name: string): void;
  };
  open: OpenWebSocket;
  clock: Clock;
  log: Logger;
  /** Resolves once the hint has been followed, or put aside durably. */
  onHint: (hint: RepoHint) => Promise<void>;
  /** Something was missed at a source. */
  onGap: () => void;
};

export type Stream = {
  /** Resolves once every hint received so far has been followed. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

const MAX_IN_FLIGHT = 16;
const SAVE_EVERY_MS = 2_000;
const BACKOFF_MS = [1_000, 60_000] as const;
const PING_EVERY_MS = 60_000;
const SILENCE_MS = 5 * 60_000;

/**
 * Follows one source. A lost connection comes back with backoff from the stored position, which never passes a hint
 * that has not been followed; while too many hints are under way, nothing more is read.
 */
export function followStream(dialect: Dialect, parts: StreamParts): Stream {
  const { positions, clock, log } = parts;
  const { name } = dialect;
  const stop = new AbortController();
  const inFlight = new Map<symbol, { position: number; work: Promise<void> }>();
  const keeps = dialect.acknowledge === undefined;
  let seen = keeps ? positions.get(name) : undefined;
  let saved = seen;
  let savedAt = clock.now();

  function save(): void {
    if (!keeps) return;
    // Everything below the oldest unfinished message is done.
    const open = [...inFlight.values()].map(({ position }) => position);
    const done = open.length > 0 ? Math.min(...open) - 1 : seen;
    if (done === undefined || (saved !== undefined && done <= saved)) return;
    positions.save(name, done);
    saved = done;
    savedAt = clock.now();
  }

  function receive(message: Message, socket: WebSocket): void {
    if (message.kind === "other") return;
    if (message.kind === "gap") {
      log.warn({ source: name, detail: message.detail }, "source: messages were missed");
      return parts.onGap();
    }
    if (message.kind === "broken") {
      log.warn({ source: name, detail: message.detail }, "source: of no use; connecting again");
      if (message.forget) {
        positions.clear(name);
        seen = saved = undefined;
        parts.onGap();
      }
      return socket.terminate();
    }
    const { position, hints } = message;
    if (dialect.ordered && seen !== undefined && position <= seen) return;
    if (keeps) seen = Math.max(seen ?? 0, position);
    if (hints.length > 0 || !keeps) start(position, hints, socket);
    else if (clock.now() - savedAt >= SAVE_EVERY_MS) save();
  }

  function start(position: number, hints: RepoHint[], socket: WebSocket): void {
    const key = Symbol(name);
    const work = async () => {
      const followed = await follow(hints);
      inFlight.delete(key);
      if (inFlight.size < MAX_IN_FLIGHT) socket.resume();
      if (followed && dialect.acknowledge && socket.readyState === socket.OPEN)
        socket.send(dialect.acknowledge(position));
      save();
    };
    inFlight.set(key, { position, work: work() });
    if (inFlight.size >= MAX_IN_FLIGHT) socket.pause();
  }

  async function follow(hints: RepoHint[]): Promise<boolean> {
    let followed = true;
    for (const hint of hints) {
      try {
        await parts.onHint(hint);
      } catch (err) {
        followed = false;
        log.error({ err, source: name }, "source: a hint could not be followed");
      }
    }
    return followed;
  }

  /** Resolves when the connection is gone; true when it had been open. */
  function connect(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = parts.open(dialect.address(seen), dialect.headers ? { headers: dialect.headers } : {});
      let opened = false;
      let timer = setTimeout(() => socket.terminate(), SILENCE_MS);
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => (socket.isPaused ? alive() : socket.terminate()), SILENCE_MS);
      };
      // A quiet source answers pings; one that does not is gone.
      const pings = setInterval(() => socket.readyState === socket.OPEN && socket.ping(), PING_EVERY_MS);
      const abort = () => socket.terminate();
      stop.signal.addEventListener("abort", abort, { once: true });
      socket.on("open", () => (opened = true));
      socket.on("ping", alive);
      socket.on("pong", alive);
      socket.on("message", (data, isBinary) => {
        alive();
        receive(dialect.read(data as Buffer, isBinary), socket);
      });
      socket.on("error", (err) =>
        log.warn({ source: name, detail: err.message }, "source: connection failed"),
      );
      socket.on("close", () => {
        clearTimeout(timer);
        clearInterval(pings);
        stop.signal.removeEventListener("abort", abort);
        resolve(opened);
      });
    });
  }

  async function run(): Promise<void> {
    let wait: number = BACKOFF_MS[0];
    while (!stop.signal.aborted) {
      const opened = await connect().catch((error: unknown) => {
        log.error({ source: name, detail: String(error) }, "source: cannot be asked");
        return false;
      });
      save();
      wait = opened ? BACKOFF_MS[0] : Math.min(wait * 2, BACKOFF_MS[1]);
      await clock.sleep(wait, stop.signal);
    }
    await settle();
    save();
  }

  async function settle(): Promise<void> {
    while (inFlight.size > 0) await Promise.all([...inFlight.values()].map(({ work }) => work));
  }

  const running = run();
  return {
    settle,
    async close() {
      stop.abort();
      await running;
    },
  };
}
