import { mkdir, writeFile } from "node:fs/promises";
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

export interface MaddyOptions {
  hostname: string;
  host?: string;
  port?: number;
  /** Domains whose mail it takes; the rest is refused at RCPT (`550 5.7.1`). */
  domains: string[];
  /** Lines of the `check` block of its SMTP endpoint. */
  checks: string;
  /** Where it hands on what it takes, by SMTP, before it says 250. */
  deliverTo: Address;
  /** A resolver on port 53, in place of the host's. */
  resolver: string;
}

export interface Maddy extends Server, Address {
  log(): string;
}

/** A real maddy on loopback, without TLS. */
export async function startMaddy(options: MaddyOptions): Promise<Maddy> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const directory = await temporaryDirectory("maddy");
  const file = join(directory, "maddy.conf");
  let running: Running | undefined;
  const stop = async () => {
    await running?.stop();
    await removeDirectory(directory);
  };
  try {
    for (const name of ["state", "runtime"]) await mkdir(join(directory, name));
    await writeFile(file, configuration({ ...options, host, port }, directory));
    const program = join(cacheDirectory(), "maddy", "maddy");
    const command = withResolver(options.resolver, program, ["--config", file, "run"]);
    running = await run(...command, { ready: () => accepts({ host, port }) });
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, port, log: running.output, stop, [Symbol.asyncDispose]: stop };
}

function configuration(options: MaddyOptions & Address, directory: string): string {
  const { hostname, host, port, domains, checks, deliverTo } = options;
  return `state_dir ${join(directory, "state")}
runtime_dir ${join(directory, "runtime")}
hostname ${hostname}
tls off

smtp tcp://${host}:${port} {
    check {
${checks}
    }
    destination ${domains.join(" ")} {
        deliver_to smtp {
            targets tcp://${deliverTo.host}:${deliverTo.port}
            starttls off
        }
    }
    default_destination {
        reject 550 5.7.1 "Relaying is not permitted here"
    }
}
`;
}
