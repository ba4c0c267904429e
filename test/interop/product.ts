import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { complete, freePort, removeDirectory, run, temporaryDirectory } from "./servers/process.ts";
import type { Running, RunOptions, Server } from "./servers/process.ts";
import { withResolver } from "./servers/resolver.ts";
import { runTraced, type Traced, type TracedOptions } from "./servers/strace.ts";

const root = join(import.meta.dirname, "../..");
const atmos = join(root, "dist/cli/main.js");

export interface ProductOptions {
  /** `ATMOS_*` settings beside those that {@link startProduct} chooses: pool, PLC, labeler, DNS, certificate. */
  env: Record<string, string>;
  /** Loopback address for inbound mail, on the port on which it delivers too. */
  inboundHost: string;
  deliveryPort: number;
  /** Variables of the process that serves, beside the environment file: `NODE_EXTRA_CA_CERTS`. */
  processEnv?: Record<string, string>;
  /** A resolver on port 53, for what its commands look up. */
  resolver?: string;
  /** Called with the path of the data directory, before the first start. */
  prepare?: (dataDir: string) => Promise<void>;
}

export type Ports = { http: number; tls: number; starttls: number; zone: number };

/** How a command ended, and the JSON document that it printed. */
export type CommandResult = { code: number | null; answer: Record<string, unknown>; stderr: string };

/** `atmos serve` as its users run it: a child process, an environment file, the command line. */
export interface Product extends Server {
  url: string;
  ports: Ports;
  envFile: string;
  dataDir: string;
  /** Of the process that serves now. */
  pid(): number;
  /** `atmos …args --env FILE --json`. Throws when it ends with another code than 0. */
  cli(...args: string[]): Promise<Record<string, unknown>>;
  /** The same without the environment file, and whatever the exit code; for commands that need none. */
  run(...args: string[]): Promise<CommandResult>;
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>;
  /** SIGTERM, and its end. Resolves with the exit code. */
  terminate(): Promise<number | null>;
  /** Starts it again after `kill` or `terminate`. `program`: another build of `dist/cli/main.js`. */
  start(program?: string): Promise<void>;
  /** Its end, by itself or by a signal of somebody else. Resolves with the exit code, null after a signal. */
  ended(): Promise<number | null>;
  /** The same, under strace. */
  startTraced(options: TracedOptions): Promise<Traced>;
  /** All that it said since the first start. */
  log(): string;
}

/** Where the product's listeners are to be, before it runs: its public address goes into the labeler's DID document. */
export async function choosePorts(): Promise<Ports> {
  const ports = new Set<number>();
  while (ports.size < 4) ports.add(await freePort());
  const [http, tls, starttls, zone] = [...ports] as [number, number, number, number];
  return { http, tls, starttls, zone };
}

export const productUrl = (ports: Ports) => `http://127.0.0.1:${ports.http}`;

export async function startProduct(ports: Ports, options: ProductOptions): Promise<Product> {
  const directory = await temporaryDirectory("product");
  const envFile = join(directory, "atmos.env");
  const dataDir = join(directory, "data");
  await options.prepare?.(dataDir);
  const env = {
    ATMOS_DATA_DIR: dataDir,
    ATMOS_PUBLIC_URL: productUrl(ports),
    ATMOS_HTTP_ADDRESS: `127.0.0.1:${ports.http}`,
    ATMOS_METRICS_ADDRESS: "127.0.0.1:0",
    ATMOS_SUBMISSION_TLS_ADDRESS: `127.0.0.1:${ports.tls}`,
    ATMOS_SUBMISSION_STARTTLS_ADDRESS: `127.0.0.1:${ports.starttls}`,
    ATMOS_INBOUND_ADDRESS: `${options.inboundHost}:${options.deliveryPort}`,
    ATMOS_DELIVERY_PORT: String(options.deliveryPort),
    ATMOS_ZONE_ADDRESS: `127.0.0.1:${ports.zone}`,
    ATMOS_ALLOW_PRIVATE_NETWORK: "true",
    ...(/relay/.test(options.env["ATMOS_ROLES"] ?? "relay") && {
      ATMOS_RELAY_SECRET: randomBytes(32).toString("hex"),
    }),
    ...(/core/.test(options.env["ATMOS_ROLES"] ?? "core") && {
      ATMOS_CORE_SECRET: randomBytes(32).toString("hex"),
    }),
    ...options.env,
  };
  await writeFile(
    envFile,
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
    { mode: 0o600 },
  );

  let running: Running | undefined;
  let said = "";
  const serve = (program = atmos) => [program, "serve", "--env", envFile];
  const how: RunOptions = {
    // A variable of the harness is no setting of the product.
    env: { ATMOS_TEST_CACHE: undefined, ...options.processEnv },
    ready: (output) => output.includes('"msg":"atmos serves"'),
    readyTimeoutMs: 60_000,
  };
  const stopped = () => {
    said += running?.output() ?? "";
    running = undefined;
  };
  const command = (...args: string[]) => {
    const words = ["-u", "ATMOS_TEST_CACHE", process.execPath, atmos, ...args, "--json"];
    return complete(...withResolver(options.resolver, "env", words), { anyExit: true });
  };
  const stop = async () => {
    await running?.stop();
    stopped();
    await removeDirectory(directory);
  };

  const product: Product = {
    url: productUrl(ports),
    ports,
    envFile,
    dataDir,
    pid: () => running?.pid ?? 0,
    async cli(...args) {
      const { code, stdout, stderr } = await command(...args, "--env", envFile);
      if (code !== 0) throw new Error(`atmos ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    async run(...args) {
      const { code, stdout, stderr } = await command(...args);
      return { code, answer: stdout === "" ? {} : (JSON.parse(stdout) as Record<string, unknown>), stderr };
    },
    async kill() {
      if (running === undefined) return;
      process.kill(running.pid, "SIGKILL");
      await running.exited;
      stopped();
    },
    async terminate() {
      if (running === undefined) return null;
      process.kill(running.pid, "SIGTERM");
      const code = await running.exited;
      stopped();
      return code;
    },
    async start(program) {
      running = await run(process.execPath, serve(program), how);
    },
    async ended() {
      const code = (await running?.exited) ?? null;
      stopped();
      return code;
    },
    async startTraced(traced) {
      const started = await runTraced(serve(), { ...how, ...traced });
      running = started;
      return started;
    },
    log: () => said + (running?.output() ?? ""),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  try {
    await product.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return product;
}
