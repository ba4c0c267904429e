import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Clock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createResolver } from "../platform/dns/index.ts";
import { createLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { createEgress, type EgressOptions, type RunningEgress } from "./egress.ts";
import { egressMigration } from "./store.ts";
import type { EgressNotice } from "./types.ts";

export const START = Date.UTC(2026, 4, 1, 9);
export const A = "192.0.2.1";

/** A database of its own for each test, and what is open at its end is closed. */
export function useEgress() {
  let dir: string;
  const closers: (() => unknown)[] = [];
  const notices: EgressNotice[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "atmos-egress-"));
  });
  afterEach(async () => {
    for (const close of closers.toReversed()) await close();
    closers.length = 0;
    notices.length = 0;
    rmSync(dir, { recursive: true, force: true });
  });
  const openDatabase = () => new Database(join(dir, "delivery.sqlite"), [egressMigration]);

  function open(clock: Clock, more: Partial<EgressOptions> = {}): RunningEgress & { stop: () => void } {
    const db = openDatabase();
    const egress = createEgress({
      db,
      addresses: [{ address: A, ehlo: "mx1.coop.example" }],
      warm: new Set<string>(),
      blocklists: [],
      lastListed: "codes",
      allowPrivate: true,
      resolver: createResolver({ servers: ["127.0.0.1:9"], tries: 1, timeoutMs: 50 }),
      clock,
      log: createLog("silent"),
      metrics: createMetrics(),
      localFault: async () => undefined,
      notify: (notice) => void notices.push(notice),
      ...more,
    });
    let closed = false;
    const stop = () => {
      if (closed) return;
      closed = true;
      egress.close();
      db.close();
    };
    closers.push(stop);
    return { ...egress, stop };
  }

  return { open, openDatabase, notices, closers };
}
