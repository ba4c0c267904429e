import type { Context } from "hono";

/** Octets of requests in memory at once, and of one member among them. While one is worked on it takes some times that. */
const ROOM = { all: 128 * 1024 * 1024, one: 64 * 1024 * 1024 };

export type ReadBody =
  | { ok: true; bytes: Uint8Array; release(): void }
  | { ok: false; why: "too-large" | "no-room" };

/** Reads bodies of requests, each up to a size and all of them within bounds. `release` when its work is done. */
export function createBodyReader(room = ROOM) {
  const taken = new Map<string, number>();
  let all = 0;

  function reserve(did: string, octets: number): (() => void) | undefined {
    const own = taken.get(did) ?? 0;
    if (all + octets > room.all || own + octets > room.one) return undefined;
    all += octets;
    taken.set(did, own + octets);
    return () => {
      all -= octets;
      const left = (taken.get(did) ?? 0) - octets;
      if (left > 0) taken.set(did, left);
      else taken.delete(did);
    };
  }

  return async function read(c: Context, did: string, most: number): Promise<ReadBody> {
    const told = c.req.header("content-length");
    const expected = told === undefined ? most : Number(told);
    if (!(expected <= most)) return { ok: false, why: "too-large" };
    const release = reserve(did, expected);
    if (!release) return { ok: false, why: "no-room" };
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of c.req.raw.body ?? []) {
        size += chunk.length;
        if (size > expected) {
          release();
          return { ok: false, why: "too-large" };
        }
        chunks.push(chunk);
      }
    } catch (error) {
      release();
      throw error;
    }
    return { ok: true, bytes: Buffer.concat(chunks, size), release };
  };
}
