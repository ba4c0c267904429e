import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  complete,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  until,
  type Address,
  type Server,
} from "./process.ts";

/** A zone as a test writes it; SOA, NS and the address of the name server are added. */
export interface SignedZone {
  name: string;
  /** Lines of a zone file, with names in full: `mx.alder.test. A 198.41.0.4`. */
  records: string[];
  /**
   * How it is signed, with one ECDSA key (RFC 6605): in order; by signatures that ended two days ago; changed after it was
   * signed, so that no signature holds; or not at all. In order unless told.
   */
  signatures?: "good" | "expired" | "broken" | "none";
}

export interface Nsd extends Server, Address {
  /** The DS record of a zone for `trustAnchors` of unbound. It stays the same when the zone is put again. */
  anchor(zone: string): string;
  /** Signs the zone anew and serves it in place of what was there. */
  put(zone: SignedZone): Promise<void>;
  log(): string;
}

const DAY_MS = 86_400_000;
const TTL = 60;

/** A real authoritative server over zones that ldns-signzone signed. The zones that it serves are chosen here. */
export async function startNsd(zones: SignedZone[]): Promise<Nsd> {
  const host = "127.0.0.1";
  const port = await freePort(host);
  const directory = await temporaryDirectory("nsd");
  const keys = new Map<string, string>();
  let serial = 0;

  const fileOf = (zone: string) => join(directory, `${zone}.zone`);
  const write = async (zone: SignedZone) => {
    const text = await signedText(zone, keys.get(zone.name)!, ++serial, directory);
    await writeFile(`${fileOf(zone.name)}.new`, text);
    await rename(`${fileOf(zone.name)}.new`, fileOf(zone.name));
  };
  const isServed = async (zone: string) => {
    const question = [`@${host}`, "-p", String(port), "+short", "+tries=1", "+time=1", zone, "SOA"];
    const { stdout } = await complete("dig", question, { anyExit: true });
    return stdout.split(" ")[2] === String(serial);
  };

  try {
    for (const zone of zones) {
      const made = await complete("ldns-keygen", ["-a", "ECDSAP256SHA256", "-k", zone.name], {
        cwd: directory,
      });
      keys.set(zone.name, join(directory, made.stdout.trim()));
      await write(zone);
    }
    const file = join(directory, "nsd.conf");
    await writeFile(file, configuration(zones, { host, port, directory, fileOf }));
    const running = await run("nsd", ["-d", "-c", file], {
      ready: () => isServed(zones.at(-1)!.name),
    });
    const anchors = new Map(
      await Promise.all(
        [...keys].map(async ([zone, key]) => [zone, oneLine(await readFile(`${key}.ds`, "utf8"))] as const),
      ),
    );
    const stop = async () => {
      await running.stop();
      await removeDirectory(directory);
    };
    return {
      host,
      port,
      anchor: (zone) => anchors.get(zone) ?? "",
      async put(zone) {
        await write(zone);
        process.kill(running.pid, "SIGHUP");
        await until(`nsd to serve the new ${zone.name}`, () => isServed(zone.name));
      },
      log: () => running.output(),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}

type Place = { host: string; port: number; directory: string; fileOf: (zone: string) => string };

function configuration(zones: SignedZone[], { host, port, directory, fileOf }: Place): string {
  return [
    "server:",
    `  ip-address: ${host}@${port}`,
    '  username: ""',
    `  zonesdir: "${directory}"`,
    `  pidfile: "${join(directory, "nsd.pid")}"`,
    `  zonelistfile: "${join(directory, "zone.list")}"`,
    `  xfrdfile: "${join(directory, "xfrd.state")}"`,
    '  database: ""',
    "  server-count: 1",
    "  do-ip6: no",
    "  rrl-ratelimit: 0",
    "  verbosity: 1",
    "remote-control:",
    "  control-enable: no",
    ...zones.flatMap(({ name }) => ["zone:", `  name: "${name}"`, `  zonefile: "${fileOf(name)}"`]),
    "",
  ].join("\n");
}

async function signedText(zone: SignedZone, key: string, serial: number, directory: string): Promise<string> {
  const { name, records, signatures = "good" } = zone;
  const plain = [
    `$TTL ${TTL}`,
    `${name}. IN SOA ns.${name}. hostmaster.${name}. ${serial} 3600 600 604800 ${TTL}`,
    `${name}. IN NS ns.${name}.`,
    `ns.${name}. IN A 127.0.0.1`,
    ...records,
    "",
  ].join("\n");
  if (signatures === "none") return plain;
  const input = join(directory, "unsigned.zone");
  const output = join(directory, "signed.zone");
  await writeFile(input, plain);
  const until = Date.now() + (signatures === "expired" ? -2 * DAY_MS : 30 * DAY_MS);
  const times = ["-i", stamp(until - 60 * DAY_MS), "-e", stamp(until)];
  await complete("ldns-signzone", [...times, "-f", output, input, key]);
  const signed = await readFile(output, "utf8");
  return signatures === "broken" ? withBrokenSignatures(signed) : signed;
}

/** RRSIG records end in a base64 signature: of each, one octet in the middle becomes another. */
function withBrokenSignatures(text: string): string {
  return text.replace(/^(.*\sRRSIG\s.*\s)(\S+)$/gm, (_, before: string, signature: string) => {
    const octets = Buffer.from(signature, "base64");
    octets[octets.length >> 1]! ^= 0xff;
    return before + octets.toString("base64");
  });
}

/** As RRSIG times are written: YYYYMMDDHHmmSS in UTC (RFC 4034 section 3.2). */
function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14);
}

/** Without tabs and the comment that ldns writes after a DS record. */
function oneLine(record: string): string {
  return record.replace(/;.*/s, "").replace(/\s+/g, " ").trim();
}
