import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { appendToOutbox, eventMaker, outboxMigration } from "../src/event/index.ts";
import { Database } from "../src/platform/database.ts";

const EVENTS = 700;
/** After so many batches a process is killed; the last one ends by itself. */
const KILLED_AFTER = [3, 11, 6, 20];
const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-crash-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(killAfter: number): Promise<NodeJS.Signals | number> {
  const child = fork(join(import.meta.dirname, "core-crash.child.ts"), [dir], { execArgv: [] });
  let batches = 0;
  child.on("message", () => {
    if (++batches === killAfter) child.kill("SIGKILL");
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return signal ?? code ?? -1;
}

test("killed again and again, core has every event once in its log and once in its evidence", async () => {
  const outbox = new Database(join(dir, "outbox.sqlite"), [outboxMigration]);
  let n = 0;
  const newEvent = eventMaker(
    () => Date.UTC(2026, 0, 1),
    () => String(++n),
  );
  const events = Array.from({ length: EVENTS }, (_, i) =>
    newEvent("message_accepted", { dedupe_key: `fact ${i}`, member: { did, domain: "a.test" } }),
  );
  outbox.transaction(() => appendToOutbox(outbox, events));
  outbox.close();

  for (const killAfter of KILLED_AFTER) expect(await run(killAfter)).toBe("SIGKILL");
  expect(await run(Infinity)).toBe(0);

  const core = new Database(join(dir, "core.sqlite"), []);
  const logged = core.all<{ dedupe_key: string }>("SELECT dedupe_key FROM event ORDER BY seq");
  const counted = core.get<{ n: number }>("SELECT sum(accepted) AS n FROM volume");
  core.close();
  expect(logged.map((row) => row.dedupe_key)).toEqual(events.map((event) => event.data.data.dedupe_key));
  expect(counted).toEqual({ n: EVENTS });
}, 60_000);
