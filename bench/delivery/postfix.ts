import { startPostfix } from "../../test/interop/servers/postfix.ts";
import { freePort } from "../../test/interop/servers/process.ts";
import { childrenOf } from "../machine.ts";
import { PEER_LOGIN, type Side } from "../sides.ts";
import { POOL_HOST, RESOLVER, type World } from "../world.ts";

export type SenderOptions = {
  name: string;
  /** Connections at once, over all and to one destination. */
  connections: number;
  toOne: number;
  settings?: Record<string, string>;
};

/** Postfix that signs nothing: what it takes is delivered as it came. */
export async function startSender(world: World, options: SenderOptions): Promise<Side> {
  const { name, connections, toOne, settings } = options;
  const before = new Set(childrenOf(process.pid));
  const smtpsPort = await freePort();
  const postfix = await startPostfix({
    hostname: POOL_HOST,
    tls: world.certificate,
    resolver: RESOLVER.host,
    submission: { username: PEER_LOGIN.username, password: PEER_LOGIN.secret },
    smtpsPort,
    settings: {
      smtp_tls_security_level: "encrypt",
      // As in Debian's main.cf.
      smtp_tls_session_cache_database: "btree:$data_directory/smtp_scache",
      default_process_limit: String(connections),
      smtp_destination_concurrency_limit: String(toOne),
      initial_destination_concurrency: String(toOne),
      // The queue fills while nothing is delivered: no message of it makes the next one wait.
      in_flow_delay: "0",
      smtpd_peername_lookup: "no",
      smtpd_tls_loglevel: "0",
      smtp_tls_loglevel: "0",
      ...settings,
    },
  });
  const roots = childrenOf(process.pid).filter((pid) => !before.has(pid));
  const stop = () => postfix.stop();
  return {
    name,
    submission: { host: "127.0.0.1", port: smtpsPort },
    logins: [PEER_LOGIN],
    roots: () => roots,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
