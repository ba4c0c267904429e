import { join } from "node:path";
import { runnerImport } from "vite";

// Pages are TSX, which Node does not read by itself.
await runnerImport(join(import.meta.dirname, "run.ts"), { configFile: false, logLevel: "error" });
