import { decodeAll, encode } from "@atproto/lex-cbor";
import type { Label } from "./label.ts";

/**
 * Frames of `com.atproto.label.subscribeLabels`: two concatenated DAG-CBOR objects, a header and a body
 * (atproto event stream specification).
 */
export function labelsFrame(seq: number, labels: Label[]): Uint8Array {
  return Buffer.concat([encode({ op: 1, t: "#labels" }), encode({ seq, labels })]);
}

/** Tells a consumer something without ending its stream; the lexicon knows `OutdatedCursor`. */
export function infoFrame(name: "OutdatedCursor", message: string): Uint8Array {
  return Buffer.concat([encode({ op: 1, t: "#info" }), encode({ name, message })]);
}

export type StreamError = "FutureCursor" | "ConsumerTooSlow" | "InvalidRequest" | "InternalServerError";

export function errorFrame(error: StreamError, message: string): Uint8Array {
  return Buffer.concat([encode({ op: -1 }), encode({ error, message })]);
}

export type Frame =
  | { kind: "message"; type: string; body: Record<string, unknown> }
  | { kind: "error"; error: string; message: string };

/** Reads one frame of any atproto event stream, or undefined when it is none. */
export function readFrame(bytes: Uint8Array): Frame | undefined {
  let parts: unknown[];
  try {
    parts = [...decodeAll(bytes)];
  } catch {
    return undefined;
  }
  const [header, body] = parts;
  if (parts.length !== 2 || !isObject(header) || !isObject(body)) return undefined;
  if (header["op"] === -1) {
    return { kind: "error", error: String(body["error"]), message: String(body["message"] ?? "") };
  }
  const type = header["t"];
  return header["op"] === 1 && typeof type === "string" ? { kind: "message", type, body } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
