import { statfsSync } from "node:fs";
import { constants } from "node:os";

/**
 * `full`: there was no room (answer `452 4.3.1`). `io`: the disk failed, or the spool is closed. `corrupt`: the
 * database is damaged; the process must end. `fault`: a bug of the caller, such as an id that is there already.
 */
export type SpoolErrorKind = "full" | "io" | "corrupt" | "fault";

/** An operation that is not on disk. */
export class SpoolError extends Error {
  readonly kind: SpoolErrorKind;
  constructor(message: string, kind: SpoolErrorKind) {
    super(message);
    this.name = "SpoolError";
    this.kind = kind;
  }
  get full(): boolean {
    return this.kind === "full";
  }
}

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** With less than this free, a write that failed for whatever reason failed for want of room. */
const NO_ROOM_BYTES = 64 * 1024;

/** What kind of failure an error of SQLite or of the file system is. `free`: octets left where it happened. */
export function kindOf(error: unknown, free: () => number | undefined): SpoolErrorKind {
  if (error instanceof SpoolError) return error.kind;
  const { code, errno, errcode } = error as { code?: unknown; errno?: unknown; errcode?: unknown };
  // libuv has no name for EDQUOT.
  if (code === "ENOSPC" || errno === -constants.errno.EDQUOT) return "full";
  if (typeof errcode === "number") {
    switch (errcode & 0xff) {
      case SQLITE_FULL:
        return "full";
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return "corrupt";
      case SQLITE_IOERR:
        // No room for the index of the WAL, or at a delayed allocation, is an I/O error to SQLite.
        return (free() ?? Infinity) < NO_ROOM_BYTES ? "full" : "io";
      case SQLITE_READONLY:
      case SQLITE_CANTOPEN:
        return "io";
      default:
        return "fault";
    }
  }
  return typeof code === "string" && /^E[A-Z]+$/.test(code) ? "io" : "fault";
}

/** Octets that the file system of `path` has left for us; undefined when it does not say. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** The same error as a SpoolError, with what was tried before its words. */
export function spoolError(what: string, error: unknown, dir: string): SpoolError {
  if (error instanceof SpoolError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new SpoolError(
    `${what}: ${text}`,
    kindOf(error, () => freeBytes(dir)),
  );
}
