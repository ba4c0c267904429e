import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificate } from "./certificate.ts";
import {
  accepts,
  freePort,
  removeDirectory,
  temporaryDirectory,
  type Address,
  type Running,
  type Server,
} from "./process.ts";
import { prepareReceiver, readMaildir, runInRoot } from "./root.ts";

export interface OpenSmtpdOptions {
  hostname: string;
  host?: string;
  port?: number;
  domain: string;
  /** The local parts that exist; the rest get `550` at RCPT. */
  known: string[];
  tls?: Pick<Certificate, "keyPath" | "certPath">;
  /** All local parts are taken; what is not known comes back afterwards through this server. */
  relayTo?: Address;
  /** `smtp max-message-size`. */
  maxSize?: string;
  /** Lines before the listener, and further options of that. */
  further?: { main: string; listener: string };
}

export interface OpenSmtpd extends Server, Address {
  hostname: string;
  /** Raw stored messages in order of arrival, one for each recipient; lines end in LF alone. */
  rawMessages(): Promise<Buffer[]>;
  log(): string;
}

/** A real OpenSMTPD on loopback, as a mailbox provider: STARTTLS, 8BITMIME, DSN; no PIPELINING and no SMTPUTF8. */
export async function startOpenSmtpd(options: OpenSmtpdOptions): Promise<OpenSmtpd> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const directory = await temporaryDirectory("opensmtpd");
  let running: Running | undefined;
  const stop = async () => {
    await running?.stop();
    await removeDirectory(directory);
  };
  try {
    await prepareReceiver(directory, options);
    await writeFile(join(directory, "smtpd.conf"), configuration({ ...options, host, port }), {
      mode: 0o600,
    });
    running = await runInRoot(
      "opensmtpd",
      directory,
      ["/usr/sbin/smtpd", "-d", "-f", "/instance/smtpd.conf"],
      {
        empty: ["var/spool/smtpd", "var/run"],
        ready: () => accepts({ host, port }),
      },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const { output } = running;
  return {
    host,
    port,
    hostname: options.hostname,
    rawMessages: () => readMaildir(directory),
    log: output,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function configuration({
  hostname,
  host,
  port,
  domain,
  known,
  relayTo,
  maxSize,
  further = { main: "", listener: "" },
}: OpenSmtpdOptions & Address): string {
  const addresses = known.map((name) => `"${name}@${domain}"`).join(", ");
  return `pki here cert "/instance/tls.pem"
pki here key "/instance/tls.key"
smtp max-message-size "${maxSize ?? "50M"}"
table known { ${addresses} }
table mailboxes { "@${domain}" = mailbox }
${further.main}
listen on ${host} port ${port} tls pki here hostname ${hostname} ${further.listener}
action "store" maildir "/instance/mail" virtual <mailboxes>
match from any for rcpt-to <known> action "store"
${relayTo ? later(relayTo, domain) : ""}`;
}

/** A program that refuses whatever it is given: what is taken for the domain fails in the queue. */
const later = (
  { host, port }: Address,
  domain: string,
) => `action "fail" mda "echo 550 5.1.1 No such user here; exit 67" user mailbox
action "relay" relay host "smtp+tls://${host}:${port}" tls no-verify
match from any for domain "${domain}" action "fail"
match from any for any action "relay"
`;
