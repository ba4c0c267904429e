import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  accepts,
  complete,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Address,
  type Server,
} from "./process.ts";

export interface RspamdOptions {
  /** The resolver that it asks. */
  dns: Address;
  port?: number;
  /** Files of its `local.d`, by name. */
  localFiles?: Record<string, string>;
}

export interface Rspamd extends Server, Address {
  /** Scans a raw message that came from `ip`: symbol -> score. */
  scan(raw: string | Buffer, ip: string): Promise<Record<string, number>>;
  log(): string;
}

/** A real rspamd on loopback, as nobody, without Redis: it scans over HTTP. */
export async function startRspamd({ dns, localFiles = {}, ...options }: RspamdOptions): Promise<Rspamd> {
  const host = "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const directory = await temporaryDirectory("rspamd");
  const local = join(directory, "etc", "local.d");
  await mkdir(local, { recursive: true });
  for (const name of ["db", "run", "log"]) await mkdir(join(directory, name));
  const files: Record<string, string> = {
    "options.inc": `dns { nameserver = ["${dns.host}:${dns.port}:10"]; timeout = 3s; retransmits = 2; }\n`,
    "worker-normal.inc": `bind_socket = "${host}:${port}";\ncount = 1;\n`,
    "worker-controller.inc": "enabled = false;\n",
    "worker-proxy.inc": "enabled = false;\n",
    "logging.inc": 'type = "console";\nlevel = "warning";\n',
    // Nothing is asked but what the test serves.
    "surbl.conf": "enabled = false;\n",
    "fuzzy_check.conf": "enabled = false;\n",
    "phishing.conf": "enabled = false;\n",
    ...localFiles,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(local, name), text);
  await complete("chown", ["-R", "nobody:nogroup", directory]);
  await chmod(directory, 0o755);
  const variables = {
    DBDIR: "db",
    RUNDIR: "run",
    LOGDIR: "log",
    LOCAL_CONFDIR: "etc",
  };
  const stop = async () => {
    await running?.stop();
    await removeDirectory(directory);
  };
  let running: Awaited<ReturnType<typeof run>> | undefined;
  try {
    running = await run(
      "rspamd",
      [
        "--no-fork",
        "--user=nobody",
        "--group=nogroup",
        ...Object.entries(variables).map(([name, path]) => `--var=${name}=${join(directory, path)}`),
      ],
      { ready: () => accepts({ host, port }), readyTimeoutMs: 30_000 },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const log = () => running?.output() ?? "";
  return {
    host,
    port,
    log,
    async scan(raw, ip) {
      const response = await fetch(`http://${host}:${port}/checkv2`, {
        method: "POST",
        headers: { ip, helo: "mx.sender.example", from: "bounce@sender.example", rcpt: "ada@here.example" },
        body: raw,
      });
      const body = (await response.json()) as { symbols?: Record<string, { score: number }> };
      if (!body.symbols) throw new Error(`rspamd: ${JSON.stringify(body)}\n${log()}`);
      return Object.fromEntries(Object.entries(body.symbols).map(([name, { score }]) => [name, score]));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
