import { createServer } from "node:net";

const NAMES = [
  "web",
  "mail",
  "plc",
  "repos",
  "dns",
  "zone",
  "submissionTls",
  "submissionStarttls",
  "mx",
  "metrics",
] as const;

/** Ports of the sandbox, all on loopback addresses. */
export type SandboxPorts = Record<(typeof NAMES)[number], number>;

/** A row of ports that begins at `first`. */
export function portsFrom(first: number): SandboxPorts {
  return Object.fromEntries(NAMES.map((name, i) => [name, first + i])) as SandboxPorts;
}

/** Above the last port that browsers do not ask (10080, Fetch standard, "bad port"). */
const LOWEST = 10_100;
const ROWS = 2_000;
const TRIES = 50;

/**
 * A row of ports that nobody listens on now. They lie below those that the system gives to outgoing connections, so
 * that none of them is taken between this look and the start of the sandbox.
 */
export async function freePorts(random: () => number = Math.random): Promise<SandboxPorts> {
  for (let tries = 0; tries < TRIES; tries++) {
    const ports = portsFrom(LOWEST + Math.floor(random() * ROWS) * NAMES.length);
    const free = await Promise.all(Object.values(ports).map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`no row of ${NAMES.length} free ports found from ${LOWEST} on`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
