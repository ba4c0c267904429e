#!/usr/bin/env -S node --no-memory-protection-keys
// What is called for every message of a pipe, or by hand again and again, starts without the parts that it does not need.
if (process.argv[2] === "inspect") {
  const { inspectCommand } = await import("./inspect.ts");
  await inspectCommand(process.argv.slice(3));
} else if (process.argv[2] === "rules") {
  const { rulesCommand } = await import("./rules/index.ts");
  await rulesCommand(process.argv.slice(3));
} else {
  await import("./program.ts");
}
