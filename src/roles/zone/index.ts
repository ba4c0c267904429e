import { createAllowlist, type AllowlistOptions } from "../allowlist/index.ts";
import type { Address } from "../platform/config/index.ts";
import { startDnsServer, type DnsServer } from "../platform/dns/index.ts";
import type { Scheduler } from "../platform/scheduler.ts";
import { attempt } from "./attempt.ts";

export type ZoneOptions = AllowlistOptions & { address: Address; scheduler: Scheduler };

export type Zone = Awaited<ReturnType<typeof startZone>>;

/** The role that publishes the allowlist and answers for it. */
export async function startZone(options: ZoneOptions) {
  const { log, scheduler } = options;
  const allowlist = createAllowlist(options);
  const server: DnsServer = await startDnsServer({
    host: options.address.host,
    port: options.address.port,
    answer: allowlist.answer,
    onError: (err) => log.error({ err }, "a question could not be answered"),
  });
  let soon: Promise<void> | undefined;
  scheduler.every({
    name: "publication of the allowlist",
    everyMs: 60_000,
    run: async () => void allowlist.publish(),
  });

  return {
    allowlist,
    address: { host: server.host, port: server.port },
    /** Labels changed: several changes at once make one publication. */
    publishSoon(): void {
      soon ??= attempt(log, "publication of the allowlist", async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        allowlist.publish();
      }).finally(() => {
        soon = undefined;
      });
    },
    settle: async () => soon,
    async close() {
      await soon;
      await server.close();
    },
  };
}
