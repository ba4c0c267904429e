import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the sandbox remembers between starts: its secrets, what operators were given once, and where its clock stood. */
export type SandboxState = {
  secrets: { relay: string; core: string; labeler: string };
  operators: Record<string, { did: string; username: string; secret: string }>;
  /** ms since the epoch; the clock never goes back. */
  clock: number;
  /** The history of the first start was played up to here, ms; undefined before. */
  playedUntil?: number;
};

const hex = () => randomBytes(32).toString("hex");

export function readState(dir: string, now: number): SandboxState {
  try {
    return JSON.parse(readFileSync(join(dir, "sandbox.json"), "utf8")) as SandboxState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { secrets: { relay: hex(), core: hex(), labeler: hex() }, operators: {}, clock: now };
  }
}

export function writeState(dir: string, state: SandboxState): void {
  const path = join(dir, "sandbox.json");
  writeFileSync(`${path}.new`, JSON.stringify(state, null, 1), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
