import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * A socket whose other end seems to be far away: what it sends is heard `latencyMs` later, all in order, and what is
 * written to it arrives at once. A client that waits for answers sees a whole round trip each time.
 */
export function distant(socket: Socket, latencyMs: number): Duplex {
  const line = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(() => done()),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  const later = (work: () => void) => void setTimeout(() => line.destroyed || work(), latencyMs);
  socket.on("data", (chunk) => later(() => line.push(chunk)));
  socket.on("end", () => later(() => line.push(null)));
  socket.on("error", () => line.destroy());
  socket.on("close", () => later(() => line.destroy()));
  return line;
}
