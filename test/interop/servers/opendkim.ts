import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  accepts,
  complete,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Address,
  type Server,
} from "./process.ts";

/** What OpenDKIM found for one signature of a message. */
export interface SignatureResult {
  domain: string;
  selector: string;
  /** `rsa-sha256` or `ed25519-sha256`. */
  algorithm: string;
  /** RFC 8601: `pass`, `fail`, `permerror`, `temperror`, `neutral`, ... */
  result: string;
}

export interface OpenDkimVerifier extends Server, Address {
  /** Passes a raw message through the milter, as an MTA would; one result a signature, none for none. */
  verify(raw: string | Buffer): Promise<SignatureResult[]>;
  log(): string;
}

export interface SigningKey {
  domain: string;
  selector: string;
  /** PEM: PKCS#1 or PKCS#8 RSA, or with `ed25519-sha256` PKCS#8 Ed25519. */
  key: string;
}

export interface OpenDkimSigner extends Server, Address {
  /** For Postfix's `smtpd_milters`. */
  milter: string;
}

interface Milter extends Server, Address {
  directory: string;
  log(): string;
}

async function startMilter(
  configuration: (directory: string) => Promise<string[]> | string[],
): Promise<Milter> {
  const host = "127.0.0.1";
  const port = await freePort(host);
  const directory = await temporaryDirectory("opendkim");
  const lines = [
    `Socket inet:${port}@${host}`,
    "Background no",
    "Syslog no",
    "UserID root",
    "RequireSafeKeys no",
    "UMask 007",
    ...(await configuration(directory)),
    "",
  ];
  const file = join(directory, "opendkim.conf");
  await writeFile(file, lines.join("\n"));
  try {
    const running = await run("opendkim", ["-f", "-x", file], {
      ready: () => accepts({ host, port }),
      stopSignal: "SIGKILL",
    });
    const stop = async () => {
      await running.stop();
      await removeDirectory(directory);
    };
    return { host, port, directory, log: () => running.output(), stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}

/** A real OpenDKIM that verifies; keys come from `nameserver` (DNS for everything it asks). */
export async function startOpenDkimVerifier(options: { nameserver: Address }): Promise<OpenDkimVerifier> {
  const { host, port } = options.nameserver;
  const milter = await startMilter(async (directory) => {
    const resolver = join(directory, "resolver.conf");
    await writeFile(
      resolver,
      [
        "server:",
        "  do-not-query-localhost: no",
        '  local-zone: "test." transparent',
        '  module-config: "iterator"',
        "  cache-max-ttl: 0",
        "  cache-max-negative-ttl: 0",
        "forward-zone:",
        '  name: "."',
        `  forward-addr: ${host}@${port}`,
        "",
      ].join("\n"),
    );
    return [
      "Mode v",
      "AuthservID verifier.test",
      "AlwaysAddARHeader yes",
      "On-BadSignature accept",
      "On-NoSignature accept",
      "On-KeyNotFound accept",
      "On-DNSError accept",
      `ResolverConfiguration ${resolver}`,
    ];
  });
  let messages = 0;
  return {
    ...milter,
    async verify(raw) {
      const script = join(milter.directory, `message-${++messages}.lua`);
      await writeFile(script, await miltertest(raw, milter, script));
      const { stdout } = await complete("miltertest", ["-s", script]);
      return stdout
        .split("\u0001")
        .slice(1)
        .flatMap((header) => parseResults(header));
    },
  };
}

const send = (call: string) => `if ${call} ~= nil then error("${call.split("(")[0]} failed") end`;

/** A milter takes no larger ones. */
const BODY_PIECE = 32_768;

/** A script for miltertest(8) that prints each Authentication-Results header after a \u0001. */
async function miltertest(raw: string | Buffer, milter: Address, script: string): Promise<string> {
  const { headers, body } = splitMessage(raw);
  const pieces: string[] = [];
  for (let at = 0; at === 0 || at < body.length; at += BODY_PIECE) {
    const piece = `${script}.${pieces.length}`;
    await writeFile(piece, body.subarray(at, at + BODY_PIECE));
    pieces.push(piece);
  }
  return [
    `conn = mt.connect("inet:${milter.port}@${milter.host}", 20, 0.1)`,
    'if conn == nil then error("connect failed") end',
    send('mt.conninfo(conn, "relay.test", "127.0.0.1")'),
    'mt.macro(conn, SMFIC_MAIL, "i", "interop")',
    send('mt.mailfrom(conn, "bounce@verifier.test")'),
    send('mt.rcptto(conn, "reader@verifier.test")'),
    ...headers.map(([name, value]) => send(`mt.header(conn, ${lua(name)}, ${lua(value)})`)),
    send("mt.eoh(conn)"),
    ...pieces.map((piece) => send(`mt.bodyfile(conn, ${lua(piece)})`)),
    send("mt.eom(conn)"),
    "for n = 0, 9 do",
    '  value = mt.getheader(conn, "Authentication-Results", n)',
    "  if value == nil then break end",
    '  mt.echo("\\1" .. value)',
    "end",
    "mt.disconnect(conn)",
    "",
  ].join("\n");
}

/** Header fields as an MTA hands them to a milter (folds as LF, one leading space gone) and the body with CRLF. */
function splitMessage(raw: string | Buffer): { headers: [string, string][]; body: Buffer } {
  const text = (typeof raw === "string" ? Buffer.from(raw) : raw)
    .toString("latin1")
    .replace(/\r?\n/g, "\r\n");
  const split = text.indexOf("\r\n\r\n");
  const head = split < 0 ? text : text.slice(0, split);
  const body = split < 0 ? "" : text.slice(split + 4);
  const headers = head
    .split(/\r\n(?![ \t])/)
    .filter((field) => field.includes(":"))
    .map((field): [string, string] => {
      const colon = field.indexOf(":");
      const value = field
        .slice(colon + 1)
        .replace(/^ /, "")
        .replaceAll("\r\n", "\n");
      return [field.slice(0, colon), value];
    });
  return { headers, body: Buffer.from(body, "latin1") };
}

/** A Lua string in which every byte but letters and digits is escaped. */
function lua(text: string): string {
  const escaped = [...Buffer.from(text, "latin1")].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9]/.test(character) ? character : `\\${String(byte).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}

/** The `dkim=` parts of an Authentication-Results header (RFC 8601), its comments and reasons left out. */
function parseResults(header: string): SignatureResult[] {
  const plain = header.replaceAll(/\([^()]*\)|"[^"]*"/g, "");
  return plain.split(";").flatMap((part) => {
    const result = /(?:^|\s)dkim=(\w+)/.exec(part)?.[1];
    if (result === undefined || result === "none") return [];
    const property = (name: string) => new RegExp(`header\\.${name}=(\\S+)`).exec(part)?.[1] ?? "";
    return [{ domain: property("d"), selector: property("s"), algorithm: property("a"), result }];
  });
}

/** A real OpenDKIM that adds every one of these signatures (at most two) to all mail, whatever its From. */
export async function startOpenDkimSigner(
  keys: SigningKey[],
  algorithm: "rsa-sha256" | "ed25519-sha256" = "rsa-sha256",
): Promise<OpenDkimSigner> {
  const milter = await startMilter(async (directory) => {
    const table = await Promise.all(
      keys.map(async (key, index) => {
        const file = join(directory, `key-${index}.pem`);
        await writeFile(file, key.key, { mode: 0o600 });
        return `key-${index} ${key.domain}:${key.selector}:${file}`;
      }),
    );
    const keyTable = join(directory, "KeyTable");
    const signingTable = join(directory, "SigningTable");
    await writeFile(keyTable, `${table.join("\n")}\n`);
    await writeFile(signingTable, keys.map((_key, index) => `* key-${index}\n`).join(""));
    return [
      "Mode s",
      "Canonicalization relaxed/relaxed",
      `SignatureAlgorithm ${algorithm}`,
      "MultipleSignatures yes",
      `KeyTable file:${keyTable}`,
      `SigningTable refile:${signingTable}`,
      "InternalHosts 127.0.0.0/8",
      "OversignHeaders From",
    ];
  });
  return { ...milter, milter: `inet:${milter.host}:${milter.port}` };
}
