import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  accepts,
  cacheDirectory,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Address,
  type Running,
  type Server,
} from "./process.ts";
import { withResolver } from "./resolver.ts";

export interface HarakaOptions {
  /** Domains whose mail it stores. */
  domains: string[];
  /** The address of a resolver on port 53. */
  resolver: string;
  /** Plugins that come before those that take recipients and store mail. */
  plugins: string;
  /** Further files of `config`, by name. */
  files: Record<string, string>;
  /** What it must have said before it counts as started. */
  says: string[];
}

export interface Haraka extends Server, Address {
  /** What it took, in no order. */
  messages(): Promise<string[]>;
  log(): string;
}

/**
 * A real Haraka on loopback with a Redis of its own, as `karma` needs it. It learns from which address a mail comes by the
 * PROXY protocol (v1) only, since it asks no list for addresses of private networks.
 */
export async function startHaraka(options: HarakaOptions): Promise<Haraka> {
  const host = "127.0.0.1";
  const [port, redisPort] = [await freePort(), await freePort()];
  const directory = await temporaryDirectory("haraka");
  const stored = join(directory, "stored");
  const installed = join(cacheDirectory(), "haraka/node_modules/Haraka");
  // Without the limits that are in this file it ends at the first line of a client.
  const connection = await readFile(join(installed, "config/connection.ini"), "utf8");
  const files: Record<string, string> = {
    ...options.files,
    "smtp.ini": `listen=${host}:${port}\nnodes=0\n`,
    "connection.ini": `${connection}\n[haproxy]\nhosts[]=${host}\n`,
    "redis.ini": `[server]\nhost=${host}\nport=${redisPort}\n[pubsub]\nhost=${host}\nport=${redisPort}\n`,
    "log.ini": "[main]\nlevel=info\n",
    me: "mx.here.example\n",
    host_list: `${options.domains.join("\n")}\n`,
    plugins: `${options.plugins}rcpt_to.in_host_list\nqueue/test\n`,
  };
  const running: Running[] = [];
  const stop = async () => {
    for (const one of running.toReversed()) await one.stop();
    await removeDirectory(directory);
  };
  try {
    await mkdir(join(directory, "config"));
    await mkdir(stored);
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, "config", name), text);
    running.push(
      await run(
        "redis-server",
        ["--bind", host, "--port", `${redisPort}`, "--save", "", "--dir", directory],
        {
          ready: () => accepts({ host, port: redisPort }),
        },
      ),
    );
    const program = join(installed, "bin/haraka");
    running.push(
      await run(...withResolver(options.resolver, process.execPath, [program, "-c", directory]), {
        // The plugin queue/test stores there.
        env: { TMPDIR: stored },
        ready: async (output) =>
          ["[karma] using server.notes.redis", ...options.says].every((words) => output.includes(words)) &&
          (await accepts({ host, port })),
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host,
    port,
    log: () => running[1]!.output(),
    messages: async () =>
      Promise.all((await readdir(stored)).map((name) => readFile(join(stored, name), "utf8"))),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
