import { join } from "node:path";
import { expect, test } from "vitest";
import { complete } from "./servers/process.ts";

/*
 * Suites (`*.netns.ts`) that give the host addresses, take them away and lose packets. Each runs in a network namespace of
 * its own, so that nothing of it is seen outside. By hand, after a build:
 * `unshare --net sh -c 'ip link set lo up; npx vitest run --config test/interop/netns.config.ts egress'`.
 */

const VITEST = join(import.meta.dirname, "../../node_modules/vitest/vitest.mjs");
const CONFIG = join(import.meta.dirname, "netns.config.ts");

test.each(["egress", "hanging"])("%s", { timeout: 430_000 }, async (suite) => {
  // A suite inside a suite knows nothing of the one outside.
  const clean = Object.keys(process.env).filter((name) => name.startsWith("VITEST"));
  const { code, stdout, stderr } = await complete(
    "env",
    [
      ...clean.flatMap((name) => ["-u", name]),
      "unshare",
      "--net",
      "sh",
      "-c",
      'ip link set lo up && exec "$@"',
      "sh",
      process.execPath,
      VITEST,
      "run",
      "--config",
      CONFIG,
      `${suite}.netns`,
    ],
    { anyExit: true, timeoutMs: 420_000 },
  );
  const said = Buffer.from(`${stdout}${stderr}`, "latin1");
  expect(code, said.toString("utf8").slice(-20_000)).toBe(0);
  process.stdout.write(said);
});
