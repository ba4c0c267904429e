import { createServer, type AddressInfo } from "node:net";

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

/** Ports that nobody uses now. */
export async function freePorts(): Promise<SandboxPorts> {
  const servers = NAMES.map(() => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return Object.fromEntries(NAMES.map((name, i) => [name, ports[i]])) as SandboxPorts;
}
