import { mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { outboxMigration } from "../event/index.ts";
import { Database } from "../platform/database.ts";
import { policyMigration } from "../policy/index.ts";
import { spoolError } from "./errors.ts";
import { releaseLeases, shortenWaits } from "./lease.ts";
import { operationsOn, type Answer, type Opened, type Request, type WriterData } from "./operations.ts";
import { spoolMigration } from "./schema.ts";
import { knownFiles } from "./store.ts";

/**
 * The only writer of a spool file. It takes all that waits in its inbox, runs it in one transaction, and answers
 * when the commit is on disk: many submissions share one fsync. When a group fails, each of its operations is tried
 * alone, so that one bad operation does not take the others with it.
 */
const { path, bodyDir, maxPages, now } = workerData as WriterData;
const MAX_GROUP = 500;
const port = parentPort;
if (!port) throw new Error("the spool's writer runs as a worker");

function open(): Database {
  const db = new Database(path, [spoolMigration, outboxMigration, policyMigration]);
  // A second process on the same spool would send everything twice.
  db.exec("PRAGMA locking_mode=EXCLUSIVE");
  if (maxPages) db.exec(`PRAGMA max_page_count=${maxPages}`);
  releaseLeases(db, now);
  if (now !== undefined) shortenWaits(db, now);
  mkdirSync(bodyDir, { recursive: true, mode: 0o700 });
  removeOrphans(db);
  return db;
}

function serve(db: Database, inbox: NonNullable<typeof parentPort>): void {
  const unneeded: string[] = [];
  const operations = operationsOn(db, unneeded, () => performance.now());

  function run({ op, args }: Request): unknown {
    return (operations[op] as (args: unknown) => unknown)(args);
  }

  function runGroup(group: Request[]): Answer[] {
    const before = unneeded.length;
    try {
      return db.transaction(() =>
        group.map((request) => ({ id: request.id, ok: true, value: run(request) })),
      );
    } catch (error) {
      unneeded.length = before;
      if (group.length === 1) return [failure(group[0]!, error)];
      return group.flatMap((request) => runGroup([request]));
    }
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
}

function failure({ id, op }: Request, error: unknown): Answer {
  const { message, kind } = spoolError(`spool ${op}`, error, bodyDir);
  return { id, ok: false, error: message, kind };
}

function remove(file: string): void {
  try {
    unlinkSync(join(bodyDir, file));
  } catch {
    // It goes with the orphans at the next start.
  }
}

/** Files of submissions that were never acknowledged. */
function removeOrphans(db: Database): void {
  const known = knownFiles(db);
  for (const file of readdirSync(bodyDir)) if (!known.has(file)) remove(file);
}

try {
  serve(open(), port);
  port.postMessage({ opened: true } satisfies Opened, []);
} catch (error) {
  const { message, kind } = spoolError(path, error, bodyDir);
  port.postMessage({ opened: false, error: message, kind } satisfies Opened, []);
  port.close();
}
