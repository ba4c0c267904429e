import { join } from "node:path";
import { parseConfig, readEnvironment } from "../platform/config/index.ts";
import { createLog, type Logger } from "../platform/log.ts";
import { startServe } from "../roles/index.ts";
import { EXIT, outputFor } from "./output.ts";

/** The rule files that the package brings. */
export const RULES_DIR = join(import.meta.dirname, "../../rules");

const FORCE_AFTER_MS = 30_000;

/**
 * `atmos serve`: with `--json` it says in one document where it listens, and logs to standard error. Runs until SIGTERM
 * or SIGINT, then ends what is under way. SIGHUP reads the rules and the shaping file and looks for a new certificate.
 */
export async function serve(options: {
  env?: string;
  role?: string[];
  rules?: string;
  json?: boolean;
}): Promise<number> {
  const environment = readEnvironment(options.env);
  if (options.role) environment["ATMOS_ROLES"] = options.role.join(",");
  const { config, secrets } = parseConfig(environment);
  const log = createLog(config.LOG_LEVEL, options.json ? "stderr" : "stdout");
  const onReload = hearHangUps(log);
  const running = await startServe({
    config,
    secrets,
    log,
    rulesDir: options.rules ?? RULES_DIR,
    onFatal: () => process.exit(EXIT.fault),
    onReload,
  });
  log.info({ roles: config.ROLES, pool: config.POOL_DOMAIN }, "atmos serves");
  const { http, relay, zone } = running;
  outputFor(options).result({
    roles: config.ROLES,
    pool: config.POOL_DOMAIN,
    listening: {
      ...(http && { http }),
      ...(relay && {
        submissionTls: relay.addresses.tls,
        submissionStarttls: relay.addresses.starttls,
        inbound: relay.addresses.inbound,
      }),
      ...(zone && { zone: zone.address }),
    },
  });
  await untilStopped(log);
  await running.close();
  log.info("atmos has stopped");
  return EXIT.ok;
}

/** SIGHUP ends no process, whatever its roles: it looks for what changed, once that can be done. */
export function hearHangUps(log: Logger): (reload: () => void) => void {
  let look = () => log.info("SIGHUP: not everything runs yet, and nothing is read");
  process.on("SIGHUP", () => look());
  return (reload) => void (look = reload);
}

/** Resolves at the first SIGTERM or SIGINT. What has not ended half a minute later is cut off; all it took is on disk. */
export async function untilStopped(log: Logger): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
  log.info({ signal }, "stopping");
  setTimeout(() => {
    log.error("not everything ended in time");
    process.exit(EXIT.fault);
  }, FORCE_AFTER_MS).unref();
}
