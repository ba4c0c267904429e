import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  accepts,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Address,
  type Server,
} from "./process.ts";

export interface UnboundOptions {
  /** The authoritative server that answers for the zones. */
  dns: Address;
  /** Zones sent there; `["test"]` unless told. Every other name is refused: nothing leaves the machine. */
  zones?: string[];
  /** Where to listen: `{host: "127.0.0.53", port: 53}` for programs that know only port 53. */
  host?: string;
  port?: number;
  /** Zones that other servers answer for. */
  stubs?: Record<string, Address>;
  /** DS or DNSKEY records; zones without one are taken unsigned. */
  trustAnchors?: string[];
  /** Seconds that an answer is kept at most; 0 unless told, so that a test may change its zone. */
  cacheSeconds?: number;
  /** Says by an extended error (RFC 8914) why it withholds an answer, as Debian's configuration does not. */
  extendedErrors?: boolean;
}

export interface Unbound extends Server, Address {
  log(): string;
}

/** A real validating resolver on loopback. */
export async function startUnbound(options: UnboundOptions): Promise<Unbound> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const stubs = new Map([
    ...(options.zones ?? ["test"]).map((zone) => [zone, options.dns] as const),
    ...Object.entries(options.stubs ?? {}),
  ]);
  const zones = [...stubs.keys()];
  const anchors = options.trustAnchors ?? [];
  const cacheSeconds = options.cacheSeconds ?? 0;
  const directory = await temporaryDirectory("unbound");
  const insecure = zones.filter((zone) => !anchors.some((anchor) => anchor.startsWith(`${zone}.`)));
  const configuration = [
    "server:",
    `  directory: "${directory}"`,
    '  chroot: ""',
    '  username: ""',
    `  pidfile: "${join(directory, "unbound.pid")}"`,
    "  use-syslog: no",
    '  logfile: ""',
    "  do-daemonize: no",
    "  do-ip6: no",
    "  num-threads: 1",
    "  outgoing-range: 256",
    `  interface: ${host}@${port}`,
    "  access-control: 127.0.0.0/8 allow",
    "  do-not-query-localhost: no",
    `  ede: ${options.extendedErrors === true ? "yes" : "no"}`,
    `  cache-max-ttl: ${cacheSeconds}`,
    `  cache-max-negative-ttl: ${cacheSeconds}`,
    "  infra-cache-max-rtt: 1000",
    `  val-bogus-ttl: ${cacheSeconds}`,
    '  local-zone: "." refuse',
    ...zones.map((zone) => `  local-zone: "${zone}." transparent`),
    ...insecure.map((zone) => `  domain-insecure: "${zone}"`),
    ...anchors.map((anchor) => `  trust-anchor: "${anchor}"`),
    "remote-control:",
    "  control-enable: no",
    ...[...stubs].flatMap(([zone, { host, port }]) => [
      "stub-zone:",
      `  name: "${zone}"`,
      `  stub-addr: ${host}@${port}`,
      "  stub-prime: no",
    ]),
    "",
  ].join("\n");
  const file = join(directory, "unbound.conf");
  await writeFile(file, configuration);
  try {
    const running = await run("unbound", ["-d", "-c", file], { ready: () => accepts({ host, port }) });
    const stop = async () => {
      await running.stop();
      await removeDirectory(directory);
    };
    return { host, port, log: () => running.output(), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}
