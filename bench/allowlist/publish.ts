import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openList } from "./list.ts";

/* A process for one size: publishes the whole, then one change. Prints one line of JSON. */

const size = Number(process.argv[2]);
const dir = mkdtempSync(join(tmpdir(), "atmos-bench-allowlist-"));
try {
  const { publication, want, close } = await openList(dir, size);
  const seconds = async () => {
    const began = performance.now();
    const result = await publication.publish();
    if (result.outcome !== "published") throw new Error(JSON.stringify(result));
    return (performance.now() - began) / 1_000;
  };
  const full = await seconds();
  want(Math.floor(size / 2), "127.0.6.2");
  const one = await seconds();
  const zone = join(dir, "zone");
  const bytes = readdirSync(zone, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(zone, entry.name)).size, 0);
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  process.stdout.write(
    `${JSON.stringify({ size, full, one, peakMiB: Number(peak) / 1_024, filesMiB: bytes / 2 ** 20 })}\n`,
  );
  await publication.close();
  close();
} finally {
  rmSync(dir, { recursive: true });
}
