import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificate } from "./certificate.ts";
import {
  accepts,
  complete,
  freePort,
  removeDirectory,
  temporaryDirectory,
  type Address,
  type Running,
  type Server,
} from "./process.ts";
import { prepareReceiver, readMaildir, runInRoot } from "./root.ts";

/** Debian-exim, in the root that `setup.sh` made. */
const EXIM_UID = 2531;

export interface EximOptions {
  hostname: string;
  host?: string;
  port?: number;
  /** Domains whose mail it stores. */
  domains: string[];
  /** Local parts that do not exist: `550 5.1.1` at RCPT. */
  unknown?: string[];
  /** Local parts that are refused for now, once from each address (`451 4.7.1` at RCPT), and taken after that. */
  greylisted?: string[];
  tls?: Pick<Certificate, "keyPath" | "certPath">;
  /** Mail for local parts in `bounced` is taken, and comes back afterwards through this server; other mail for elsewhere too. */
  relayTo?: Address;
  bounced?: string[];
  /** The address of a resolver on port 53, for the DNS that it uses itself; none unless given. */
  resolver?: string;
  /** Lines of the main section, ACLs, and lines of the ACL of DATA. */
  further?: { main: string; acls: string; data: string };
  /** `message_size_limit`. */
  maxSize?: string;
}

export interface Exim extends Server, Address {
  hostname: string;
  /** Raw stored messages in order of arrival, one for each recipient; lines end in LF alone. */
  rawMessages(): Promise<Buffer[]>;
  /** Its main log: one line `<=` for each message that it took, with protocol, cipher, size. */
  log(): Promise<string>;
}

/** A real Exim on loopback, as a mailbox provider: STARTTLS, DSN, SMTPUTF8, PIPELINING, CHUNKING. */
export async function startExim(options: EximOptions): Promise<Exim> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const directory = await temporaryDirectory("exim");
  let running: Running | undefined;
  const stop = async () => {
    await running?.stop();
    await removeDirectory(directory);
  };
  const log = () => readFile(join(directory, "log", "mainlog"), "utf8").catch(() => "");
  try {
    await prepareReceiver(directory, options);
    if (options.resolver !== undefined)
      await writeFile(join(directory, "resolv.conf"), `nameserver ${options.resolver}\n`);
    for (const name of ["log", "spool", "grey"]) await mkdir(join(directory, name));
    await complete("chown", [
      "-R",
      `${EXIM_UID}:${EXIM_UID}`,
      ...["log", "spool", "grey", "tls.key"].map((name) => join(directory, name)),
    ]);
    await writeFile(join(directory, "exim.conf"), configuration({ ...options, host, port }));
    running = await runInRoot("exim", directory, ["/usr/sbin/exim4", "-bdf", "-q1m"], {
      ready: () => accepts({ host, port }),
    });
  } catch (error) {
    const said = await log();
    await stop();
    throw new Error(`Exim did not start: ${said}`, { cause: error });
  }
  return {
    host,
    port,
    hostname: options.hostname,
    rawMessages: () => readMaildir(directory),
    log,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const list = (names: string[] = []) => names.join(" : ");

function configuration(options: EximOptions & Address): string {
  const { hostname, host, port, domains, unknown, greylisted, relayTo, bounced, maxSize = "50M" } = options;
  const { main = "", acls = "", data = "" } = options.further ?? {};
  const elsewhere = `elsewhere:
  driver = manualroute
  domains = !+own
  route_list = * ${relayTo?.host}
  transport = relay
  self = send
`;
  return `primary_hostname = ${hostname}
spool_directory = /instance/spool
log_file_path = /instance/log/%slog
log_selector = +tls_cipher +smtp_protocol_error +smtp_confirmation +pipelining +8bitmime +smtp_connection
pid_file_path = /instance/spool/pid
local_interfaces = <; [${host}]:${port}
keep_environment =
host_lookup =
tls_advertise_hosts = *
tls_certificate = /instance/tls.pem
tls_privatekey = /instance/tls.key
dsn_advertise_hosts = *
smtp_accept_queue_per_connection = 0
message_size_limit = ${maxSize}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
${main}
domainlist own = ${list(domains)}

begin acl
rcpt:
  deny domains = !+own
       message = 5.7.1 Relaying is not permitted here
  deny local_parts = ${list(unknown)}
       message = 5.1.1 No such user here
  defer local_parts = ${list(greylisted)}
        condition = \${if exists{/instance/grey/$sender_host_address}{no}{yes}}
        condition = \${run{/usr/bin/touch /instance/grey/$sender_host_address}{yes}{yes}}
        message = 4.7.1 Greylisted, please try again later
  accept

data:
${data}
  accept

${acls}
begin routers
bounced:
  driver = redirect
  local_parts = ${list(bounced)}
  data = :fail: 550 5.1.1 No such user here
  allow_fail
${relayTo ? elsewhere : ""}own:
  driver = accept
  domains = +own
  transport = maildir

begin transports
relay:
  driver = smtp
  port = ${relayTo?.port ?? 25}
  hosts_require_tls = *
  tls_verify_certificates =
  tls_try_verify_hosts =

maildir:
  driver = appendfile
  directory = /instance/mail
  create_directory = false
  maildir_format
  user = mailbox
  group = mailbox
  delivery_date_add
  envelope_to_add
  return_path_add
  mode = 0644
  mode_fail_narrower = false

begin retry
* * F,1h,1m
`;
}
