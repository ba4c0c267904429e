/**
 * Many subscribers of one labeler, in a process of their own; some of them stop reading. Each counts frames; a few
 * decode them, for the time from `cts` to arrival.
 *
 *   subscribers.ts PORT COUNT STALLED
 */
import { WebSocket } from "ws";
import { readFrame, type Label } from "../../src/protocol/labels/index.ts";

export type Counted = {
  /** Frames that the reading subscriber which has fewest, and the one which has most, have. */
  fewest: number;
  most: number;
  /** Of the reading ones, how many are still connected. */
  connected: number;
  stalledConnected: number;
  /** ms from `cts` to arrival, of those that decode. */
  p50: number;
  p99: number;
  max: number;
};

const WATCHERS = 10;
const [port, count, stalled] = process.argv.slice(2).map(Number) as [number, number, number];
const sockets: WebSocket[] = [];
const frames: number[] = [];
let latencies: number[] = [];

for (let i = 0; i < count; i++) {
  const url = `ws://127.0.0.1:${port}/xrpc/com.atproto.label.subscribeLabels`;
  const ws = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
  sockets.push(ws);
  frames.push(0);
  ws.on("error", () => undefined);
  const watches = i >= stalled && i < stalled + WATCHERS;
  ws.on("message", (data) => {
    frames[i]!++;
    if (!watches) return;
    const frame = readFrame(data as Buffer);
    if (frame?.kind !== "message") return;
    for (const label of frame.body["labels"] as Label[]) latencies.push(Date.now() - Date.parse(label.cts));
  });
  await new Promise((resolve, reject) => {
    ws.once("open", resolve);
    ws.once("error", reject);
  });
  if (i < stalled) ws.pause();
}

process.on("message", (order: "count" | "forget") => {
  if (order === "forget") {
    frames.fill(0);
    latencies = [];
    return;
  }
  const reading = frames.slice(stalled);
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  const open = (all: WebSocket[]) => all.filter((ws) => ws.readyState === WebSocket.OPEN).length;
  const counted: Counted = {
    fewest: Math.min(...reading),
    most: Math.max(...reading),
    connected: open(sockets.slice(stalled)),
    stalledConnected: open(sockets.slice(0, stalled)),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
  process.send?.(counted);
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
