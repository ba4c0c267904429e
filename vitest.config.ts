import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "test/*.test.ts", "test/fuzz/*.test.ts"],
    // V8 of Node 24 aborts now and then on processors with memory protection keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Many tests wait for real sockets: a core that is left free for the runner is left idle.
    maxWorkers: Math.max(2, availableParallelism()),
  },
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx" } },
});
