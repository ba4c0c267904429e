import { join } from "node:path";
import {
  cacheDirectory,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Running,
  type Server,
} from "./process.ts";
import { withResolver } from "./resolver.ts";

/** A program that a test ends and starts again, at the same address and with the same data. */
export interface Restartable extends Server {
  /** Its origin, `http://127.0.0.1:PORT`. */
  url: string;
  /** SIGTERM, or another signal, and the end of the process. */
  end(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  /** All that it said since the first start. */
  log(): string;
}

export interface GoProgram {
  /** `address` is where it shall listen, `directory` where it shall keep its data. */
  environment(address: string, directory: string): Record<string, string | undefined>;
  /** Whether it serves; an error means no. */
  ready(url: string): Promise<boolean>;
  /** A resolver on port 53, in place of the host's. */
  resolver?: string;
}

/** One of the programs that `go.sh` builds. Resolves when it is ready. */
export async function startGoProgram(name: string, args: string[], how: GoProgram): Promise<Restartable> {
  const directory = await temporaryDirectory(name);
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const command = withResolver(how.resolver, join(cacheDirectory(), "go", name), args);
  let running: Running | undefined;
  let said = "";
  const ended = () => {
    said += running?.output() ?? "";
    running = undefined;
  };
  const start = async () => {
    running = await run(...command, {
      cwd: directory,
      env: how.environment(address, directory),
      ready: () => how.ready(url).catch(() => false),
      readyTimeoutMs: 60_000,
    });
  };
  const end = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (running === undefined) return;
    process.kill(running.pid, signal);
    await running.exited;
    ended();
  };
  const stop = async () => {
    await running?.stop();
    ended();
    await removeDirectory(directory);
  };
  const log = () => said + (running?.output() ?? "");
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, end, start, log, stop, [Symbol.asyncDispose]: stop };
}
