import { isStorageOutage, type Database } from "../platform/database.ts";

const MOST = 200;
const BATCH_MS = 100;

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && [11, 26].includes(Number(error.errcode) & 0xff);
}

/**
 * Many writes share a transaction; reads on the same connection see them before it ends. When the disk is full or fails,
 * or the file is damaged, what was waiting is lost and `onLost` is told: nobody who writes here waits for the disk, or fails with it.
 */
export function createBatch(db: Database, onLost: (error: unknown) => void) {
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;

  function lose(error: unknown): void {
    clearTimeout(timer);
    waiting = 0;
    try {
      db.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back already.
    }
    if (!isStorageOutage(error) && !isDamage(error)) throw error;
    onLost(error);
  }

  function flush(): void {
    clearTimeout(timer);
    if (waiting === 0) return;
    try {
      db.exec("COMMIT");
      waiting = 0;
    } catch (error) {
      lose(error);
    }
  }

  return {
    flush,
    write(work: () => void): void {
      try {
        if (waiting === 0) {
          db.exec("BEGIN IMMEDIATE");
          timer = setTimeout(flush, BATCH_MS).unref();
        }
        waiting++;
        work();
      } catch (error) {
        lose(error);
      }
      if (waiting >= MOST) flush();
    },
  };
}
