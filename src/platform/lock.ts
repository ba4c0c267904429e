import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Takes the data directory for this process, until it is released or the process ends, however it ends. Throws when
 * another process has it. (An exclusive transaction on a file of its own: the operating system frees it by itself.)
 */
export function lockDirectory(dir: string): { release(): void } {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(dir, "lock.sqlite"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch {
    lock.close();
    throw new Error(
      `${dir} is in use by another atmos: stop it first, or set ATMOS_DATA_DIR to another directory.`,
    );
  }
  return { release: () => lock.close() };
}
