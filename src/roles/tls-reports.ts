import type { Config } from "../platform/config/index.ts";
import type { Database } from "../platform/database.ts";
import { createHttpsPost } from "../platform/https-post.ts";
import type { Relay } from "../relay/index.ts";
import type { Spool } from "../spool/index.ts";
import { forgetTlsReports, openTlsReports, type MailFate, type TlsReports } from "../tls-report/index.ts";
import type { RoleParts } from "./role-parts.ts";

const SEND_EVERY_MS = 60_000;
/** For one receiver over HTTPS. */
const POST_MS = 30_000;

/** What counts TLS sessions for reports; undefined: it is switched off, and what was counted before is forgotten. */
export function openReports(options: RoleParts & { config: Config }, db: Database): TlsReports | undefined {
  const { config, resolver } = options;
  if (!config.TLS_REPORT) {
    forgetTlsReports(db);
    return undefined;
  }
  return openTlsReports({
    ...options,
    db,
    post: createHttpsPost({ resolver, allowPrivate: config.ALLOW_PRIVATE_NETWORK, timeoutMs: POST_MS }),
    identity: {
      poolDomain: config.POOL_DOMAIN,
      hostname: config.POOL_HOSTNAME,
      contact: config.TLS_REPORT_CONTACT ?? `postmaster@${config.POOL_DOMAIN}`,
    },
  });
}

/** Sends what is due, every minute; what has no HTTPS receiver goes as the pool's own mail. */
export function sendReports({
  scheduler,
  reports,
  relay,
  spool,
}: Pick<RoleParts, "scheduler"> & {
  reports: TlsReports;
  relay: Pick<Relay, "report" | "wake">;
  spool: Pick<Spool, "message" | "attempts">;
}): void {
  const mail = {
    async send(wish: Parameters<Relay["report"]>[0]) {
      const taken = await relay.report(wish);
      if (taken) relay.wake();
      return taken;
    },
    fate: (message: string) => fateOf(spool, message),
  };
  scheduler.every({
    name: "TLS reports sent",
    everyMs: SEND_EVERY_MS,
    run: (signal) => reports.send(mail, signal),
  });
}

/** What became of a mailed report, by the spool. */
async function fateOf(spool: Pick<Spool, "message" | "attempts">, message: string): Promise<MailFate> {
  const [recipient] = (await spool.message(message))?.recipients ?? [];
  if (!recipient) return { state: "unknown" };
  const { state } = recipient;
  if (state === "delivered") return { state };
  if (state === "queued" || state === "deferred" || state === "held") return { state: "waiting" };
  const last = (await spool.attempts(message)).at(-1);
  const said = last ? [last.code || "", last.enhanced, last.text].filter(Boolean).join(" ") : "";
  return { state: "failed", why: `${state}${said ? `: ${said}` : ""}`.slice(0, 300) };
}
