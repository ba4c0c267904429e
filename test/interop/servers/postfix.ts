import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startCertificateAuthority } from "./certificate.ts";
import {
  accepts,
  cacheDirectory,
  complete,
  freePort,
  removeDirectory,
  temporaryDirectory,
  type Address,
  type Running,
  type Server,
} from "./process.ts";
import { runInRoot } from "./root.ts";

export interface PostfixOptions {
  /** Its own name, in the banner and the certificate. */
  hostname: string;
  host?: string;
  port?: number;
  /** Domains whose mail it stores; none for a pure relay. */
  domains?: string[];
  /** Local parts: either the only ones that exist, or the ones that do not; the rest get `550 5.1.1`. */
  known?: string[];
  unknown?: string[];
  /** PEM files; made by a throw-away authority unless given. */
  tls?: { keyPath: string; certPath: string };
  /** PEM file of an authority that it trusts when it delivers (`smtp_tls_CAfile`). */
  trust?: string;
  /** The address of a resolver on port 53, for the DNS that it uses itself. */
  resolver?: string;
  /** Makes it a submission server: AUTH after STARTTLS (SASL, sasldb), then relaying is allowed. */
  submission?: { username: string; password: string };
  /** With `submission`: implicit TLS on this port too. */
  smtpsPort?: number;
  /** `inet:host:port` of a milter, or several with commas. */
  milter?: string;
  /** Where it sends everything that is not its own. */
  relayTo?: Address;
  /** postscreen stands before smtpd. */
  postscreen?: boolean;
  /** Further lines of main.cf; they win. */
  settings?: Record<string, string>;
}

export interface Postfix extends Server, Address {
  hostname: string;
  smtps: Address | undefined;
  /** Raw stored messages in order of arrival, one for each recipient, with Return-Path and Delivered-To on top. */
  messages(): Promise<string[]>;
  /** The same as bytes, for mail that is not UTF-8. Postfix stores lines with a bare LF. */
  rawMessages(): Promise<Buffer[]>;
  log(): Promise<string>;
  /** Messages in the queue, as `postqueue -j` gives them. */
  queue(): Promise<{ queue_name: string; queue_id: string; recipients: unknown[] }[]>;
  flush(): Promise<void>;
}

const services = `
pickup     unix      n - n 60   1 pickup
cleanup    unix      n - n -    0 cleanup
qmgr       unix      n - n 300  1 qmgr
tlsmgr     unix      - - n 1000? 1 tlsmgr
rewrite    unix      - - n -    - trivial-rewrite
bounce     unix      - - n -    0 bounce
defer      unix      - - n -    0 bounce
trace      unix      - - n -    0 bounce
verify     unix      - - n -    1 verify
flush      unix      n - n 1000? 0 flush
proxymap   unix      - - n -    - proxymap
proxywrite unix      - - n -    1 proxymap
smtp       unix      - - n -    - smtp
relay      unix      - - n -    - smtp
showq      unix      n - n -    - showq
error      unix      - - n -    - error
retry      unix      - - n -    - error
discard    unix      - - n -    - discard
virtual    unix      - n n -    - virtual
anvil      unix      - - n -    1 anvil
scache     unix      - - n -    1 scache
tlsproxy   unix      - - n -    0 tlsproxy
postlog    unix-dgram n - n -   1 postlogd
`;

const inRoot = (directory: string, command: string[], ready: () => Promise<boolean>) =>
  runInRoot("postfix", directory, command, { ready });

/** A real Postfix on loopback, in a root, a mount and a process namespace of its own. */
export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const host = options.host ?? "127.0.0.1";
  const port = options.port ?? (await freePort(host));
  const directory = await temporaryDirectory("postfix");
  const stored = join(directory, "mail", "new");
  let running: Running | undefined;
  const stop = async () => {
    await running?.stop();
    await removeDirectory(directory);
  };
  try {
    await prepare(directory, { ...options, host, port });
    const start = ["/usr/sbin/postfix", "-c", "/instance/config", "start-fg"];
    running = await inRoot(directory, start, () => accepts({ host, port })).catch(async (error: unknown) => {
      throw new Error(await readFile(join(directory, "maillog"), "utf8").catch(() => "no log"), {
        cause: error,
      });
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const { pid } = running;
  const tool = async (...command: string[]) => {
    const child = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")[0] ?? "";
    const enter = ["--target", child, "--mount", "--pid", "chroot", join(cacheDirectory(), "postfix")];
    return (await complete("nsenter", [...enter, ...command])).stdout;
  };
  const rawMessages = async () => {
    const names = await readdir(stored).catch(() => []);
    return Promise.all(names.toSorted().map((name) => readFile(join(stored, name))));
  };
  return {
    host,
    port,
    hostname: options.hostname,
    smtps: options.smtpsPort === undefined ? undefined : { host, port: options.smtpsPort },
    messages: async () => (await rawMessages()).map((message) => message.toString()),
    rawMessages,
    log: () => readFile(join(directory, "maillog"), "utf8").catch(() => ""),
    async queue() {
      const lines = (await tool("/usr/sbin/postqueue", "-c", "/instance/config", "-j")).trim().split("\n");
      return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
    },
    async flush() {
      await tool("/usr/sbin/postqueue", "-c", "/instance/config", "-f");
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function prepare(directory: string, options: PostfixOptions & Address): Promise<void> {
  const owned = { mail: 2527, data: 2525 };
  for (const name of ["config", "config/sasl", "queue", "mail", "data"]) await mkdir(join(directory, name));
  await complete("chmod", ["755", directory]);
  for (const [name, uid] of Object.entries(owned)) {
    await complete("chown", [`${uid}:${uid}`, join(directory, name)]);
  }
  const resolver =
    options.resolver === undefined ? "" : `nameserver ${options.resolver}\noptions edns0 trust-ad\n`;
  await writeFile(join(directory, "resolv.conf"), resolver);
  await copyCertificate(directory, options);
  await writeFile(join(directory, "mailboxes"), mailboxes(options));
  await writeFile(join(directory, "config", "main.cf"), mainCf(options));
  await writeFile(join(directory, "config", "master.cf"), masterCf(options));
  if (options.submission !== undefined) {
    const { username, password } = options.submission;
    await writeFile(
      join(directory, "config", "sasl", "smtpd.conf"),
      "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: /instance/data/sasldb\n",
    );
    const script = `mount --bind "$1" "$0/instance" && exec chroot "$0" saslpasswd2 -c -p -f /instance/data/sasldb -u "$2" "$3"`;
    const root = `${join(cacheDirectory(), "postfix")}/.`;
    await complete(
      "unshare",
      [
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        root,
        directory,
        options.hostname,
        username,
      ],
      { input: password },
    );
    await complete("chown", ["2525:2525", join(directory, "data", "sasldb")]);
  }
}

async function copyCertificate(directory: string, options: PostfixOptions): Promise<void> {
  const authority = options.tls === undefined ? await startCertificateAuthority() : undefined;
  const tls = options.tls ?? (await authority?.issue(options.hostname));
  if (tls === undefined) throw new Error("no certificate");
  await writeFile(join(directory, "tls.key"), await readFile(tls.keyPath), { mode: 0o600 });
  await writeFile(join(directory, "tls.pem"), await readFile(tls.certPath));
  if (options.trust !== undefined)
    await writeFile(join(directory, "trust.pem"), await readFile(options.trust));
  await authority?.stop();
}

const escaped = (names: string[]) =>
  names.map((name) => name.replaceAll(/[^A-Za-z0-9]/g, String.raw`\$&`)).join("|");

/** regexp_table(5): every existing mailbox is delivered to one Maildir. */
function mailboxes({ known, unknown }: PostfixOptions): string {
  if (known !== undefined) return `/^(${escaped(known)})@/ mail/\n`;
  if (unknown === undefined || unknown.length === 0) return "/./ mail/\n";
  return `if !/^(${escaped(unknown)})@/\n/./ mail/\nendif\n`;
}

function mainCf(options: PostfixOptions): string {
  const sasl = options.submission !== undefined;
  const relay = options.relayTo;
  const settings: Record<string, string> = {
    compatibility_level: "3.6",
    queue_directory: "/instance/queue",
    data_directory: "/instance/data",
    command_directory: "/usr/sbin",
    daemon_directory: "/usr/lib/postfix/sbin",
    mail_owner: "postfix",
    setgid_group: "postdrop",
    maillog_file: "/instance/maillog",
    maillog_file_prefixes: "/instance",
    myhostname: options.hostname,
    mydestination: "",
    local_recipient_maps: "",
    alias_maps: "",
    alias_database: "",
    local_transport: "error:no local mail",
    mynetworks: "",
    inet_protocols: "ipv4",
    smtpd_relay_restrictions: `${sasl ? "permit_sasl_authenticated, " : ""}reject_unauth_destination`,
    smtpd_tls_security_level: "may",
    smtpd_tls_cert_file: "/instance/tls.pem",
    smtpd_tls_key_file: "/instance/tls.key",
    smtpd_tls_received_header: "yes",
    smtpd_tls_loglevel: "1",
    smtp_tls_security_level: "may",
    smtp_tls_loglevel: "1",
    virtual_mailbox_domains: (options.domains ?? []).join(" "),
    virtual_mailbox_base: "/instance",
    virtual_mailbox_maps: "regexp:/instance/mailboxes",
    virtual_uid_maps: "static:2527",
    virtual_gid_maps: "static:2527",
    virtual_mailbox_limit: "0",
    smtpd_client_connection_rate_limit: "0",
    ...(sasl && {
      smtpd_sasl_auth_enable: "yes",
      smtpd_sasl_type: "cyrus",
      smtpd_sasl_path: "smtpd",
      smtpd_sasl_local_domain: options.hostname,
      smtpd_tls_auth_only: "yes",
    }),
    ...(options.milter !== undefined && {
      smtpd_milters: options.milter,
      milter_default_action: "tempfail",
      milter_protocol: "6",
    }),
    ...(options.trust !== undefined && { smtp_tls_CAfile: "/instance/trust.pem" }),
    ...(relay !== undefined && { relayhost: `[${relay.host}]:${relay.port}` }),
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

function masterCf({ host, port, smtpsPort, postscreen }: PostfixOptions & Address): string {
  const smtps = `${host}:${smtpsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n`;
  const first =
    postscreen === true
      ? `${host}:${port} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\n`
      : `${host}:${port} inet n - n - - smtpd\n`;
  return `${first}${smtpsPort === undefined ? "" : smtps}${services.trimStart()}`;
}

/** Postfix's smtp-sink: takes any mail and throws it away, for benchmarks. */
export async function startSmtpSink(host = "127.0.0.1"): Promise<Server & Address> {
  const port = await freePort(host);
  const directory = await temporaryDirectory("sink");
  await writeFile(join(directory, "resolv.conf"), "");
  const sink = ["/usr/sbin/smtp-sink", "-u", "postfix", `${host}:${port}`, "256"];
  try {
    const running = await inRoot(directory, sink, () => accepts({ host, port }));
    const stop = async () => {
      await running.stop();
      await removeDirectory(directory);
    };
    return { host, port, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}
