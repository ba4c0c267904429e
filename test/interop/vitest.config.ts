import { defineConfig } from "vitest/config";

/** Suites against real servers: one file at a time, each in a process of its own. `setup.sh` comes first. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    globalSetup: ["./build.ts"],
    pool: "forks",
    fileParallelism: false,
    // V8 of Node 24 aborts now and then on processors with memory protection keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx" } },
});
