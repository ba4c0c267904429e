import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { SpoolError } from "./errors.ts";

/** How long the start waits for a check; a larger spool than can be read in this time starts unchecked. */
const CHECK_MS = 60_000;

export type Integrity =
  /** Closed cleanly: there was no reason to look. */
  | { outcome: "clean" }
  | { outcome: "sound" }
  | { outcome: "damaged"; findings: string[] }
  /** It took too long, or could not be done. */
  | { outcome: "unfinished"; why: string };

/** Written when the database proved damaged while it was in use: the next start looks thoroughly. */
const markOf = (path: string) => `${path}-damaged`;

export function markDamaged(path: string, finding: string): void {
  try {
    writeFileSync(markOf(path), `${finding}\n`);
  } catch {
    // On a disk that takes nothing any more the log alone has it.
  }
}

/**
 * Looks at a spool that was not closed cleanly (its WAL is there: a clean close removes it), without changing it:
 * in a process of its own, since SQLite cannot be interrupted, and for a limited time. An unclean end gets SQLite's
 * `quick_check`; damage that was seen in use gets `integrity_check`, which compares tables with their indexes too.
 */
export async function checkSpool(path: string, checkMs = CHECK_MS): Promise<Integrity> {
  const marked = existsSync(markOf(path));
  if (!existsSync(path) || statSync(path).size === 0) return { outcome: "clean" };
  if (!marked && !existsSync(`${path}-wal`)) return { outcome: "clean" };
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const script = new URL(`./integrity.child.${extension}`, import.meta.url);
  const pragma = marked ? "integrity_check" : "quick_check";
  const child = spawn(process.execPath, ["--no-warnings", script.pathname, path, pragma], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: checkMs,
    killSignal: "SIGKILL",
  });
  const said = text(child.stdout).catch(() => "");
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (signal) return { outcome: "unfinished", why: `it was not done within ${checkMs / 1000} seconds` };
  if (code !== 0) return { outcome: "unfinished", why: `the check ended with code ${code}` };
  const findings = JSON.parse(await said) as string[];
  if (findings.length > 0) return { outcome: "damaged", findings };
  if (marked) rmSync(markOf(path), { force: true });
  return { outcome: "sound" };
}

/** What an operator reads when a spool cannot be used. */
export function damaged(path: string, findings: readonly string[]): SpoolError {
  let seen: string | undefined;
  try {
    seen = readFileSync(markOf(path), "utf8").trim();
  } catch {
    // Nothing was seen while it was in use.
  }
  const lines = [
    `${path} is damaged: ${findings[0] ?? seen ?? "it is not a database"}`,
    "Nothing was changed. Move it away with its -wal file and its -bodies directory, look at the disk, then",
    "  atmos queue salvage MOVED/spool.sqlite DIR   writes each message that can still be read into DIR, and",
    `  atmos queue restore DIR ${path}   makes a new spool of them.`,
    "docs/queue.md says more.",
  ];
  return new SpoolError(lines.join("\n"), "corrupt");
}
