import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** What every helper returns: something that runs until `stop()`, usable with `await using`. */
export interface Server extends AsyncDisposable {
  stop(): Promise<void>;
}

export interface Address {
  host: string;
  port: number;
}

/** A child process of ours. It is killed when this process ends, however it ends. */
export interface Running extends Server {
  readonly pid: number;
  /** Everything it has printed so far, both streams. */
  output(): string;
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** Polled until true; its failure or the child's early end rejects with the child's output. */
  ready?: (output: string, pid: number) => boolean | Promise<boolean>;
  readyTimeoutMs?: number;
  stopSignal?: NodeJS.Signals;
}

/** Where `setup.sh` puts what it installs. */
export function cacheDirectory(): string {
  return process.env["ATMOS_TEST_CACHE"] ?? join(homedir(), ".cache", "atmosphere-mail-test");
}

export async function temporaryDirectory(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `atmos-${name}-`));
}

export async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** A TCP port that was free a moment ago on `host`. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** True when something accepts TCP connections there. */
export async function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.setTimeout(1000, () => end(false));
  });
}

/** Polls until `condition` gives something other than false or undefined; throws after `timeoutMs`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await pause(25);
  }
}

/** Starts a program and waits until it is ready. `setpriv` makes the kernel end it with us. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Running> {
  const child = spawn("/usr/bin/setpriv", ["--pdeathsig", "KILL", command, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-1_000_000);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      output += String(error);
      ended = true;
      resolve(null);
    });
    child.once("exit", (code) => {
      ended = true;
      resolve(code);
    });
  });
  const stop = async () => {
    if (!ended) {
      child.kill(options.stopSignal ?? "SIGTERM");
      await Promise.race([exited, pause(5000, undefined, { ref: false })]);
      if (!ended) child.kill("SIGKILL");
    }
    await exited;
  };
  const ready = options.ready;
  if (ready !== undefined) {
    try {
      await until(
        `${command} to be ready`,
        async () => {
          if (ended) throw new Error(`${command} ended early`);
          return ready(output, child.pid ?? 0);
        },
        options.readyTimeoutMs,
      );
    } catch (error) {
      await stop();
      throw new Error(`${command} did not start; it said:\n${output.slice(-4000)}`, { cause: error });
    }
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Runs a program to its end and gives what it printed; a non-zero exit is an error unless allowed. */
export async function complete(
  command: string,
  args: string[],
  options: { cwd?: string; input?: string | Buffer; anyExit?: boolean; timeoutMs?: number } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(command, args, { cwd: options.cwd, timeout: options.timeoutMs ?? 60_000 });
  const parts: { stdout: string; stderr: string } = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (parts.stdout += chunk.toString("latin1")));
  child.stderr.on("data", (chunk: Buffer) => (parts.stderr += chunk.toString("latin1")));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0 && options.anyExit !== true) {
    throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${parts.stdout}${parts.stderr}`);
  }
  return { code, ...parts };
}
