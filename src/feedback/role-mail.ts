import { randomUUID } from "node:crypto";
import { mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";

const MOST_KEPT = 1_000;

export type RoleMail = { keep(raw: Uint8Array, at: number): Promise<"kept" | "full"> };

/** Mail to postmaster and abuse that no machine wrote, or that matches nothing: a synced file each, for a person. */
export function createRoleMail(dir: string): RoleMail {
  return {
    async keep(raw, at) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      if ((await readdir(dir)).length >= MOST_KEPT) return "full";
      const name = `${new Date(at).toISOString().replace(/[:.]/g, "-")}-${randomUUID()}.eml`;
      const file = await open(join(dir, name), "wx", 0o600);
      try {
        await file.writeFile(raw);
        await file.sync();
      } finally {
        await file.close();
      }
      return "kept";
    },
  };
}
