import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockDirectory } from "./lock.ts";

test("a directory is one process's at a time", () => {
  const dir = mkdtempSync(join(tmpdir(), "atmos-lock-"));
  const first = lockDirectory(dir);
  expect(() => lockDirectory(dir)).toThrow(/in use by another atmos/);
  first.release();
  lockDirectory(dir).release();
  rmSync(dir, { recursive: true });
});
