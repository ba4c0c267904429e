import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exportSealingKey, openingKeyFrom } from "../../src/platform/seal.ts";

const main = join(import.meta.dirname, "../../dist/cli/main.js");
let dir: string;
let child: ChildProcess | undefined;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "atmos-serve-"))));
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(dir, { recursive: true });
});

async function serve(settings: Record<string, string>) {
  const file = join(dir, "atmos.env");
  writeFileSync(
    file,
    Object.entries(settings)
      .map((pair) => pair.join("="))
      .join("\n"),
  );
  child = spawn(process.execPath, [main, "serve", "--env", file, "--json"]);
  const errors = text(child.stderr!);
  return { child, errors, exited: once(child, "exit") as Promise<[number | null]> };
}

test("atmos serve --json says where it listens, logs elsewhere, and ends cleanly at SIGTERM", async () => {
  const { child, errors, exited } = await serve({
    ATMOS_ROLES: "core",
    ATMOS_DATA_DIR: join(dir, "data"),
    ATMOS_POOL_DOMAIN: "coop.test",
    ATMOS_PUBLIC_URL: "http://127.0.0.1",
    ATMOS_HTTP_ADDRESS: "127.0.0.1:0",
    ATMOS_METRICS_ADDRESS: "127.0.0.1:0",
    ATMOS_CORE_SECRET: "ab".repeat(32),
    // Nobody answers there: a core without its brokers starts and serves its pages.
    ATMOS_KAFKA_BROKERS: "127.0.0.1:1",
    ATMOS_NODE_NAME: "core1",
    ATMOS_RELAY_SEALING_KEY: await exportSealingKey(await openingKeyFrom(new Uint8Array(32).fill(1))),
  });
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  await expect.poll(() => output, { timeout: 20_000 }).toMatch(/\n\}\n$/);
  const answer = JSON.parse(output) as {
    roles: string[];
    listening: { http: { host: string; port: number } };
  };
  expect(answer.roles).toEqual(["core"]);
  const { host, port } = answer.listening.http;
  expect((await fetch(`http://${host}:${port}/xrpc/_health`)).status).toBe(200);
  child.kill("SIGTERM");
  expect((await exited)[0]).toBe(0);
  expect(await errors).toContain('"msg":"atmos serves"');
  expect(() => JSON.parse(output) as unknown).not.toThrow();
});

test("a configuration that cannot be used is said whole, and nothing starts", async () => {
  const { errors, exited } = await serve({ ATMOS_ROLES: "core", ATMOS_POOL_DOMIAN: "coop.test" });
  expect((await exited)[0]).toBe(1);
  const said = await errors;
  for (const name of [
    "ATMOS_POOL_DOMIAN is not a setting; did you mean ATMOS_POOL_DOMAIN?",
    "ATMOS_POOL_DOMAIN is missing",
    "ATMOS_PUBLIC_URL is missing",
    "ATMOS_CORE_SECRET is missing",
  ]) {
    expect(said).toContain(name);
  }
});
