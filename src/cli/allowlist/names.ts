import { CommandError, EXIT } from "../output.ts";

/** The resolver that a command asks, as HOST:PORT. */
export function resolverAddress(option: string | undefined, env: Record<string, string>): string {
  const address = option ?? env["ATMOS_DNS_SERVERS"]?.split(/[,\s]+/)[0] ?? "127.0.0.1:53";
  if (/^(\[[0-9a-f:.]+\]|[^:\s]+):\d{1,5}$/i.test(address)) return address;
  throw new CommandError(`"${address}" is no resolver: write IP:PORT, such as 127.0.0.1:53.`, EXIT.usage);
}

/** The name of the list: as it is told, or that of the cooperative of the environment file. */
export function zoneName(option: string | undefined, env: Record<string, string>): string {
  const pool = env["ATMOS_POOL_DOMAIN"];
  const zone = option ?? env["ATMOS_ZONE_NAME"] ?? (pool && `wl.${pool}`);
  if (zone !== undefined && zone !== "") return zone.toLowerCase().replace(/\.$/, "");
  throw new CommandError("Which list? Name it with --zone, such as --zone wl.coop.example.", EXIT.usage);
}
