import { mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** What `namespaces.test.ts` runs in a network of its own; the product is built by then. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: undefined, globalSetup: undefined } },
  { test: { include: ["**/*.netns.ts"] } },
);
