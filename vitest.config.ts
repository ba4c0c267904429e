import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // V8 of Node 24 aborts now and then on processors with memory protection keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
    // Many tests wait for real sockets: a core that is left free for the runner is left idle.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        extends: true,
        // A process serves many files: to load everything anew for each took a third of the time.
        test: { name: "unit", include: ["src/**/*.test.{ts,tsx}"], isolate: false },
      },
      { extends: true, test: { name: "scenarios", include: ["test/*.test.ts", "test/fuzz/*.test.ts"] } },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx" } },
});
