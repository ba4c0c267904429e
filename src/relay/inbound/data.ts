import type { SMTPServerDataStream } from "smtp-server";

/** `end`: the sender does not stop, and the connection has to. */
type DataRead = { raw: Uint8Array } | { fault: "too-large" | "too-slow" | "no-room"; end: boolean };

/** What is read on after a mail is too large, so that the sender hears why. */
const PATIENCE = 4;

/**
 * Reads a mail of at most `most` octets within `dataMs`. `counting` hears of octets that are held, and of those that were let
 * go, and says whether there is room for them; those of a mail that was read are the caller's to take back. Never rejects.
 */
export function readData(
  stream: SMTPServerDataStream,
  { most, dataMs, counting }: { most: number; dataMs: number; counting: (octets: number) => boolean },
): Promise<DataRead> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let over: "too-large" | "no-room" | undefined;
    const drop = () => {
      counting(-chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      chunks = [];
    };
    const end = (result: DataRead) => {
      clearTimeout(timer);
      if ("fault" in result) drop();
      resolve(result);
    };
    const timer = setTimeout(() => {
      end({ fault: "too-slow", end: true });
      stream.destroy();
    }, dataMs);
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > most && over !== "too-large") {
        over = "too-large";
        drop();
      }
      if (size > most * PATIENCE) {
        end({ fault: "too-large", end: true });
        stream.destroy();
      }
      if (over) return;
      chunks.push(chunk);
      if (counting(chunk.length)) return;
      over = "no-room";
      drop();
    });
    stream.on("end", () => {
      if (over || stream.sizeExceeded) return end({ fault: over ?? "too-large", end: false });
      end({ raw: Buffer.concat(chunks, size) });
    });
    stream.on("error", () => end({ fault: "too-slow", end: true }));
    stream.on("close", () => end({ fault: "too-slow", end: true }));
  });
}
