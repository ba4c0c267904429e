import { freeBytes } from "./errors.ts";

const EVERY_MS = 1_000;

/** Whether at least `reserve` octets are free; asked of the file system at most once a second. */
export function createRoom(
  dir: string,
  reserve: number,
  free: (dir: string) => number | undefined = freeBytes,
  elapsed: () => number = () => performance.now(),
): () => boolean {
  let at = -Infinity;
  let room = true;
  return () => {
    const now = elapsed();
    if (now - at >= EVERY_MS) {
      at = now;
      room = (free(dir) ?? Infinity) >= reserve;
    }
    return room;
  };
}
