import { WebSocket } from "ws";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import { readFrame } from "../protocol/labels/index.ts";
import type { AttestationStore, Hint } from "./store.ts";

/** What a message of `com.atproto.sync.subscribeRepos` gives reason to look at. */
export type FirehoseHint =
  | { kind: "record"; hint: Hint }
  | { kind: "account"; did: string; active: boolean }
  /** The repository was reset: what we hold of it is to be proved anew. */
  | { kind: "sync"; did: string };

export type FirehoseParts = {
  /** Origins of repository hosts or relays, `https://…` (or `http://…` in a sandbox). */
  hosts: readonly string[];
  collections: ReadonlySet<string>;
  store: AttestationStore;
  clock: Clock;
  log: Logger;
  /** Resolves once the hint has been followed, or put aside durably. */
  onHint: (hint: FirehoseHint) => Promise<void>;
};

export type Firehose = {
  /** Resolves once every hint received so far has been followed. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

const MAX_FRAME = 5 * 1024 * 1024;
const MAX_HINTS_PER_COMMIT = 200;
const MAX_IN_FLIGHT = 8;
const SAVE_EVERY_MS = 2_000;
const BACKOFF_MS = [1_000, 60_000] as const;
const SILENCE_MS = 5 * 60_000;

/** Reads hints out of one message; what is malformed gives none. */
export function hintsOf(
  type: string,
  body: Record<string, unknown>,
  collections: ReadonlySet<string>,
): FirehoseHint[] {
  const did = body[type === "#commit" ? "repo" : "did"];
  if (typeof did !== "string") return [];
  if (type === "#account") return [{ kind: "account", did, active: body["active"] === true }];
  if (type === "#sync") return [{ kind: "sync", did }];
  if (type !== "#commit" || !Array.isArray(body["ops"])) return [];
  const hints = new Map<string, FirehoseHint>();
  for (const op of body["ops"].slice(0, MAX_HINTS_PER_COMMIT) as unknown[]) {
    const path = typeof op === "object" && op !== null && "path" in op ? op.path : undefined;
    if (typeof path !== "string") continue;
    const [collection, rkey, ...rest] = path.split("/");
    if (!collection || !rkey || rest.length > 0 || !collections.has(collection)) continue;
    hints.set(path, { kind: "record", hint: { did, collection, rkey } });
  }
  return [...hints.values()];
}

/**
 * Follows the repository event streams of the configured hosts. A lost connection comes back with backoff from the
 * stored cursor, which never passes a hint that has not been followed.
 */
export function followFirehose(parts: FirehoseParts): Firehose {
  const stop = new AbortController();
  const readers = parts.hosts.map((host) => createReader(host, parts, stop.signal));
  return {
    async settle() {
      await Promise.all(readers.map((r) => r.settle()));
    },
    async close() {
      stop.abort();
      await Promise.all(readers.map((r) => r.done));
    },
  };
}

function createReader(host: string, parts: FirehoseParts, signal: AbortSignal) {
  const { store, clock, log } = parts;
  const inFlight = new Map<number, Promise<void>>();
  let seen = store.cursor(host);
  let saved = seen;
  let savedAt = clock.now();

  function save(): void {
    // Everything below the oldest unfinished message is done.
    const done = inFlight.size > 0 ? Math.min(...inFlight.keys()) - 1 : seen;
    if (done === undefined || (saved !== undefined && done <= saved)) return;
    store.saveCursor(host, done);
    saved = done;
    savedAt = clock.now();
  }

  function receive(data: Uint8Array, socket: WebSocket): void {
    const frame = readFrame(data);
    if (!frame) {
      log.warn({ host }, "firehose: a frame that cannot be read; connecting again");
      return socket.terminate();
    }
    if (frame.kind === "error") {
      log.warn(
        { host, error: frame.error, detail: frame.message.slice(0, 200) },
        "firehose: the host refused",
      );
      if (frame.error === "FutureCursor") {
        store.clearCursor(host);
        seen = saved = undefined;
      }
      return socket.terminate();
    }
    const seq = frame.body["seq"];
    if (typeof seq !== "number" || !Number.isSafeInteger(seq)) return;
    if (seen !== undefined && seq <= seen) return;
    seen = seq;
    const hints = hintsOf(frame.type, frame.body, parts.collections);
    if (hints.length > 0) {
      const work = follow(hints).finally(() => {
        inFlight.delete(seq);
        if (inFlight.size < MAX_IN_FLIGHT) socket.resume();
        save();
      });
      inFlight.set(seq, work);
      if (inFlight.size >= MAX_IN_FLIGHT) socket.pause();
    } else if (clock.now() - savedAt >= SAVE_EVERY_MS) save();
  }

  async function follow(hints: FirehoseHint[]): Promise<void> {
    for (const hint of hints) {
      try {
        await parts.onHint(hint);
      } catch (err) {
        log.error({ err, host }, "firehose: a hint could not be followed");
      }
    }
  }

  /** Resolves when the connection is gone; true when it had been open. */
  function connect(): Promise<boolean> {
    return new Promise((resolve) => {
      const url = new URL("/xrpc/com.atproto.sync.subscribeRepos", host.replace(/^http/, "ws"));
      if (seen !== undefined) url.searchParams.set("cursor", String(seen));
      const socket = new WebSocket(url, { maxPayload: MAX_FRAME, handshakeTimeout: 10_000 });
      let opened = false;
      let timer = setTimeout(() => socket.terminate(), SILENCE_MS);
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => (socket.isPaused ? alive() : socket.terminate()), SILENCE_MS);
      };
      const abort = () => socket.terminate();
      signal.addEventListener("abort", abort, { once: true });
      socket.on("open", () => (opened = true));
      socket.on("ping", alive);
      socket.on("message", (data, isBinary) => {
        alive();
        if (isBinary) receive(data as Buffer, socket);
      });
      socket.on("error", (err) => log.warn({ host, detail: err.message }, "firehose: connection failed"));
      socket.on("close", () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        resolve(opened);
      });
    });
  }

  async function run(): Promise<void> {
    let wait: number = BACKOFF_MS[0];
    while (!signal.aborted) {
      const opened = await connect();
      save();
      wait = opened ? BACKOFF_MS[0] : Math.min(wait * 2, BACKOFF_MS[1]);
      await clock.sleep(wait, signal);
    }
    await Promise.all(inFlight.values());
    save();
  }

  const settle = async () => {
    while (inFlight.size > 0) await Promise.all(inFlight.values());
  };
  return { settle, done: run() };
}
