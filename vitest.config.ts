import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "test/*.test.ts", "test/fuzz/*.test.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "hono/jsx" } },
});
