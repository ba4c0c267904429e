import type { WebSocket } from "ws";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { OpenWebSocket } from "../platform/websocket.ts";
import { readFrame, verifyLabel, type Label } from "../protocol/labels/index.ts";
import type { List } from "./list.ts";
import type { AllowlistStore } from "./store.ts";

/** Where a labeler is and by which key it signs, from its DID document (`#atproto_labeler`, `#atproto_label`). */
export type LabelerIdentity = { endpoint: string; key: string };
export type ResolveLabeler = (did: string) => Promise<LabelerIdentity | undefined>;

export type LabelerStreamParts = {
  store: AllowlistStore;
  list: List;
  resolve: ResolveLabeler;
  open: OpenWebSocket;
  clock: Clock;
  log: Logger;
  /** Labels were taken over. */
  onChange: () => void;
};

export type LabelerStream = {
  /** What is known of the connection, for those who look. */
  state(): LabelerState;
  close(): Promise<void>;
};
/** `heardAt`: the last sign of life, ms since the epoch; 0 for none. `refused`: labels without a good signature. */
export type LabelerState = {
  did: string;
  connected: boolean;
  heardAt: number;
  refused: number;
  fault: string;
};

const BACKOFF_MS = [1_000, 60_000] as const;
const PING_EVERY_MS = 60_000;
const SILENCE_MS = 5 * 60_000;
/** A labeler that is not heard for so long is not believed any more; it is heard from the beginning again later. */
const BELIEVED_MS = 24 * 3_600_000;
/** The DID document is asked again when a signature fails, but no more often than this: anybody can send a bad one. */
const KEY_EVERY_MS = 60_000;
const MAX_LABELS = 1_000;

/**
 * Follows `com.atproto.label.subscribeLabels` of another labeler. Each label is verified by the key of the DID document
 * before it counts; the place in the stream is kept with what was taken over, so that nothing is lost or taken twice.
 */
export function followLabeler(did: string, parts: LabelerStreamParts): LabelerStream {
  const { store, list, clock, log } = parts;
  const stop = new AbortController();
  const state: LabelerState = { did, connected: false, heardAt: 0, refused: 0, fault: "" };
  let key: { value: string; at: number } | undefined;

  async function identify(): Promise<LabelerIdentity | undefined> {
    const found = await parts.resolve(did);
    if (found) key = { value: found.key, at: clock.now() };
    return found;
  }

  async function isSound(label: Label): Promise<boolean> {
    if (label.src !== did) return false;
    if (key && (await verifyLabel(label, key.value))) return true;
    if (key && clock.now() - key.at < KEY_EVERY_MS) return false;
    const before = key?.value;
    const found = await identify();
    return found !== undefined && found.key !== before && (await verifyLabel(label, found.key));
  }

  async function take(bytes: Buffer): Promise<"on" | "again"> {
    const frame = readFrame(bytes);
    if (!frame) return fault("a frame that cannot be read");
    if (frame.kind === "error") {
      // A cursor that it never gave out: its stream began anew, and so do we.
      if (frame.error === "FutureCursor") list.forgetPlace(did);
      return fault(`${frame.error}: ${frame.message.slice(0, 200)}`);
    }
    if (frame.type === "#info") {
      log.warn(
        { labeler: did, info: frame.body["name"] },
        "labeler: something was missed; read from the beginning",
      );
      if (frame.body["name"] === "OutdatedCursor" && (store.cursor(did) ?? 0) > 0) {
        list.forgetPlace(did);
        return "again";
      }
      return "on";
    }
    const { seq, labels } = frame.body;
    if (frame.type !== "#labels" || typeof seq !== "number" || !Array.isArray(labels)) return "on";
    if (labels.length > MAX_LABELS) return fault(`${labels.length} labels in one message`);
    const sound: Label[] = [];
    for (const value of labels) {
      const label = asLabel(value);
      if (label && (await isSound(label))) sound.push(label);
      else {
        state.refused++;
        log.warn({ labeler: did, seq }, "labeler: a label without a good signature is not taken");
      }
    }
    list.takeLabels(did, sound, seq);
    if (sound.length > 0) parts.onChange();
    return "on";
  }

  function fault(words: string): "again" {
    state.fault = words;
    log.warn({ labeler: did, detail: words }, "labeler: connecting again");
    return "again";
  }

  /** Resolves when the connection is gone; true when it had been open. */
  async function connect(): Promise<boolean> {
    const found = await identify();
    if (!found) {
      fault("its DID document names no labeler and key");
      return false;
    }
    const url = new URL("/xrpc/com.atproto.label.subscribeLabels", found.endpoint);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    url.searchParams.set("cursor", String(store.cursor(did) ?? 0));
    const socket = parts.open(url);
    let opened = false;
    await read(socket, () => {
      opened = true;
      state.fault = "";
    });
    return opened;
  }

  async function read(socket: WebSocket, onOpen: () => void): Promise<void> {
    let work: Promise<void> = Promise.resolve();
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const alive = () => {
        state.heardAt = clock.now();
        clearTimeout(timer);
        timer = setTimeout(() => socket.terminate(), SILENCE_MS);
      };
      const pings = setInterval(() => socket.readyState === socket.OPEN && socket.ping(), PING_EVERY_MS);
      const abort = () => socket.terminate();
      stop.signal.addEventListener("abort", abort, { once: true });
      socket.on("open", () => {
        state.connected = true;
        alive();
        onOpen();
      });
      socket.on("ping", alive);
      socket.on("pong", alive);
      socket.on("message", (data) => {
        alive();
        socket.pause();
        const before = work;
        const turn = async () => {
          await before;
          if (socket.readyState !== socket.OPEN) return;
          if ((await take(data as Buffer)) === "again") socket.terminate();
        };
        work = turn()
          .catch((err: unknown) => {
            log.error({ err, labeler: did }, "labeler: a message could not be taken over");
            socket.terminate();
          })
          .finally(() => socket.resume());
      });
      socket.on("error", (err) => (state.fault = err.message));
      socket.on("close", () => {
        state.connected = false;
        clearTimeout(timer);
        clearInterval(pings);
        stop.signal.removeEventListener("abort", abort);
        resolve();
      });
    });
    await work;
  }

  async function follow(): Promise<void> {
    let waitMs: number = BACKOFF_MS[0];
    const since = clock.now();
    while (!stop.signal.aborted) {
      const opened = await connect().catch((err: unknown) => {
        fault(err instanceof Error ? err.message : String(err));
        return false;
      });
      if (stop.signal.aborted) return;
      waitMs = opened ? BACKOFF_MS[0] : Math.min(waitMs * 2, BACKOFF_MS[1]);
      if (clock.now() - Math.max(state.heardAt, since) > BELIEVED_MS && list.silence(did)) parts.onChange();
      await pause(waitMs, stop.signal);
    }
  }

  const done = follow();
  return {
    state: () => ({ ...state }),
    async close() {
      stop.abort();
      await done;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** A label as it came (`com.atproto.label.defs#label`); undefined for what is none. */
function asLabel(value: unknown): Label | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { ver, src, uri, cid, val, neg, cts, exp, sig } = value as Record<string, unknown>;
  const texts = [
    src,
    uri,
    val,
    cts,
    ...(cid === undefined ? [] : [cid]),
    ...(exp === undefined ? [] : [exp]),
  ];
  const fit = texts.every((text) => typeof text === "string" && text.length <= 2_000);
  if (ver !== 1 || !fit || !(sig instanceof Uint8Array) || Number.isNaN(Date.parse(cts as string)))
    return undefined;
  if (exp !== undefined && Number.isNaN(Date.parse(exp as string))) return undefined;
  return {
    ver: 1,
    src: src as string,
    uri: uri as string,
    val: val as string,
    cts: cts as string,
    sig: Uint8Array.from(sig),
    ...(cid !== undefined && { cid: cid as string }),
    ...(exp !== undefined && { exp: exp as string }),
    ...(neg === true && { neg: true as const }),
  };
}
