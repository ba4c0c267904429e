import { afterEach, expect, test, vi } from "vitest";
import { silentLog } from "../platform/log.ts";
import { hearHangUps } from "./serve.ts";

const before = process.listeners("SIGHUP");
afterEach(() => {
  for (const listener of process.listeners("SIGHUP"))
    if (!before.includes(listener)) process.off("SIGHUP", listener);
});

test("SIGHUP ends nothing where no certificate is served, or not yet; then it looks for one", () => {
  const onReload = hearHangUps(silentLog);
  // What has no listener ends the process.
  expect(process.listenerCount("SIGHUP")).toBe(before.length + 1);
  process.emit("SIGHUP");
  const reload = vi.fn();
  onReload(reload);
  process.emit("SIGHUP");
  expect(reload).toHaveBeenCalledTimes(1);
});
