import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Rooms whose tests start no threads, servers or processes. */
const LIGHT = ["lib", "protocol", "policy", "breaker", "evidence", "rules", "standing", "shaping", "web"];

export default defineConfig({
  test: {
    // V8 of Node 24 aborts now and then on processors with memory protection keys (nodejs/node#64500).
    execArgv: ["--no-memory-protection-keys"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
    // Many tests wait for real sockets: with one for each core, the cores are idle for a third of the time.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        extends: true,
        // A process serves many files: to load everything anew for each took most of their time.
        test: { name: "light", include: [`src/{${LIGHT}}/**/*.test.{ts,tsx}`], isolate: false },
      },
      {
        extends: true,
        test: {
          name: "unit",
          include: ["src/**/*.test.{ts,tsx}"],
          exclude: [`src/{${LIGHT}}/**`],
        },
      },
      { extends: true, test: { name: "scenarios", include: ["test/*.test.ts"] } },
      // What takes long for what it tells a developer: run by CI.
      { extends: true, test: { name: "long", include: ["test/{long,fuzz}/*.test.ts"] } },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx" } },
});
