import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, startSandbox } from "../src/devnet/index.ts";
import { silentLog } from "../src/platform/log.ts";

/** One operator without traffic, in a directory of its own, which `close` removes. `env`: its environment file. */
export async function openSandbox(change: Partial<Parameters<typeof startSandbox>[0]> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "atmos-sandbox-"));
  const sandbox = await startSandbox({
    dir,
    rulesDir: join(import.meta.dirname, "../rules"),
    log: silentLog,
    ports: await freePorts(),
    operators: [{ name: "Alder", domain: "alder.test", perDay: 10 }],
    now: Date.now(),
    days: 0,
    ...change,
  });
  async function close(): Promise<void> {
    await sandbox.close();
    rmSync(dir, { recursive: true });
  }
  return { dir, env: join(dir, "atmos.env"), sandbox, close };
}
