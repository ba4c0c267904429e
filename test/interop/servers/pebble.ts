import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { startCertificateAuthority } from "./certificate.ts";
import { startDns, type DnsServer } from "./dns.ts";
import { accepts, freePort, removeDirectory, run, temporaryDirectory, type Server } from "./process.ts";

export interface PebbleOptions {
  /** Where it looks for the answers to HTTP-01 challenges, on every address that its DNS names. */
  httpPort: number;
  /** Seconds that a certificate lives; five years unless told. */
  lifeSeconds?: number;
  /** Percent of good nonces that are refused; 20 unless told. */
  nonceReject?: number;
  /** Asks for an external account binding with this key (base64url). */
  binding?: { kid: string; key: string };
}

export interface Pebble extends Server {
  /** URL of the ACME directory. */
  directory: string;
  /** PEM file: the root of the directory's own certificate, for `ATMOS_ACME_CA_FILE`. */
  caFile: string;
  /** PEM: the root of the certificates that it issues, for clients. */
  root: string;
  /** Where it resolves names; a test sets their addresses. */
  dns: DnsServer;
  log(): string;
}

const host = "127.0.0.1";

/** Debian's pebble, a certificate authority that speaks ACME (RFC 8555), with a name server of its own. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await startCertificateAuthority());
  const dns = stack.use(await startDns());
  const directory = await temporaryDirectory("pebble");
  stack.defer(() => removeDirectory(directory));
  const { certPath, keyPath } = await authority.issue(host);
  const [port, management] = [await freePort(), await freePort()];
  const { binding } = options;
  const configuration = {
    pebble: {
      listenAddress: `${host}:${port}`,
      managementListenAddress: `${host}:${management}`,
      certificate: certPath,
      privateKey: keyPath,
      httpPort: options.httpPort,
      tlsPort: 1,
      ocspResponderURL: "",
      externalAccountBindingRequired: binding !== undefined,
      externalAccountMACKeys: binding === undefined ? {} : { [binding.kid]: binding.key },
      ...(options.lifeSeconds !== undefined && { certificateValidityPeriod: options.lifeSeconds }),
    },
  };
  const file = join(directory, "pebble.json");
  await writeFile(file, JSON.stringify(configuration));
  const pebble = stack.use(
    await run("pebble", ["-config", file, "-strict", "-dnsserver", `${dns.host}:${dns.port}`], {
      cwd: directory,
      env: {
        PEBBLE_VA_NOSLEEP: "1",
        PEBBLE_AUTHZREUSE: "0",
        PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 20),
      },
      ready: async () => (await accepts({ host, port })) && accepts({ host, port: management }),
    }),
  );
  const ca = await readFile(authority.certPath, "utf8");
  const root = await get(`https://${host}:${management}/roots/0`, ca);
  const owned = stack.move();
  const stop = () => owned.disposeAsync();
  return {
    directory: `https://${host}:${port}/dir`,
    caFile: authority.certPath,
    root,
    dns,
    log: () => pebble.output(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false }, (response) => text(response).then(resolve, reject))
      .on("error", reject)
      .end();
  });
}
