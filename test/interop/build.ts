import { join } from "node:path";
import { complete } from "./servers/process.ts";

/** Builds the product once, before the first suite: they run `dist` as its users do. */
export async function setup(): Promise<void> {
  await complete("npm", ["run", "--silent", "build"], { cwd: join(import.meta.dirname, "../..") });
}
