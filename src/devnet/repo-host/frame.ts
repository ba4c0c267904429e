import type { LexMap } from "@atproto/lex";
import { cborEncode } from "@atproto/lex-cbor";

/** A message of an event stream: two CBOR objects, header and body (atproto Event Stream specification). */
export function eventFrame(type: string, body: LexMap): Uint8Array {
  return Buffer.concat([cborEncode({ op: 1, t: type }), cborEncode(body)]);
}

export function errorFrame(error: string, message: string): Uint8Array {
  return Buffer.concat([cborEncode({ op: -1 }), cborEncode({ error, message })]);
}
