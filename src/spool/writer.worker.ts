import { mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { outboxMigration } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { policyMigration } from "../policy/index.ts";
import { operationsOn, type Answer, type Request, type WriterData } from "./operations.ts";
import { knownFiles, releaseLeases, shortenWaits, spoolMigration } from "./store.ts";

/**
 * The only writer of a spool file. It takes all that waits in its inbox, runs it in one transaction, and answers
 * when the commit is on disk: many submissions share one fsync. When a group fails, each of its operations is tried
 * alone, so that one bad operation does not take the others with it.
 */
const { path, bodyDir, maxPages, now } = workerData as WriterData;
const inbox = parentPort;
if (!inbox) throw new Error("the spool's writer runs as a worker");

const db = new Database(path, [spoolMigration, outboxMigration, policyMigration]);
// A second process on the same spool would send everything twice.
db.exec("PRAGMA locking_mode=EXCLUSIVE");
if (maxPages) db.exec(`PRAGMA max_page_count=${maxPages}`);
releaseLeases(db);
if (now !== undefined) shortenWaits(db, now);
mkdirSync(bodyDir, { recursive: true, mode: 0o700 });
removeOrphans();

const unneeded: string[] = [];
const operations = operationsOn(db, unneeded);
const MAX_GROUP = 500;

function run({ op, args }: Request): unknown {
  return (operations[op] as (args: unknown) => unknown)(args);
}

function runGroup(group: Request[]): Answer[] {
  try {
    return db.transaction(() => group.map((request) => ({ id: request.id, ok: true, value: run(request) })));
  } catch (error) {
    unneeded.length = 0;
    if (group.length === 1) return [failure(group[0]!, error)];
    return group.flatMap((request) => runGroup([request]));
  }
}

function failure({ id, op }: Request, error: unknown): Answer {
  const text = error instanceof Error ? error.message : String(error);
  return { id, ok: false, error: `spool ${op}: ${text}`, full: /full|disk I\/O|no space/i.test(text) };
}

inbox.on("message", (first: Request[]) => {
  const group = [...first];
  while (group.length < MAX_GROUP) {
    const more = receiveMessageOnPort(inbox) as { message: Request[] } | undefined;
    if (!more) break;
    group.push(...more.message);
  }
  const closing = group.some((request) => (request.op as string) === "close");
  const answers = runGroup(group.filter((request) => (request.op as string) !== "close"));
  for (const file of unneeded.splice(0)) remove(file);
  inbox.postMessage(answers, []);
  if (closing) {
    db.close();
    inbox.close();
  }
});

function remove(file: string): void {
  try {
    unlinkSync(join(bodyDir, file));
  } catch {
    // It goes with the orphans at the next start.
  }
}

/** Files of submissions that were never acknowledged. */
function removeOrphans(): void {
  const known = knownFiles(db);
  for (const file of readdirSync(bodyDir)) if (!known.has(file)) remove(file);
}

inbox.postMessage([], []);
