import { readFile } from "node:fs/promises";
import { openAcme } from "../platform/acme/index.ts";
import {
  CertificateError,
  DAY_MS,
  openCertificateFiles,
  type Certificates,
} from "../platform/certificates/index.ts";
import { ConfigError, dataPath, type Config, type Secrets } from "../platform/config/index.ts";
import { systemClock } from "../lib/clock.ts";
import type { RoleParts } from "./role-parts.ts";

type CertificateParts = Pick<RoleParts, "log" | "metrics" | "scheduler"> & {
  config: Config;
  secrets: Secrets;
};

/**
 * The certificate of this node, from files or by ACME as the configuration says. It follows the real clock, whatever a
 * sandbox's does: its peers do.
 * @throws ConfigError when the files cannot serve.
 */
export async function openCertificates(parts: CertificateParts): Promise<Certificates> {
  const { config, metrics, scheduler } = parts;
  const onFault = () => metrics.certificateFaults.inc();
  const certificates =
    config.ACME_DIRECTORY === undefined ? await fromFiles(parts, onFault) : await byAcme(parts, onFault);
  const measure = () =>
    metrics.certificateDays.set((certificates.current().notAfter - systemClock.now()) / DAY_MS);
  certificates.onChange(measure);
  void certificates.ready().then(() =>
    scheduler.every({
      name: "certificate measured",
      everyMs: 60_000,
      run: () => Promise.resolve(measure()),
    }),
  );
  return certificates;
}

async function fromFiles({ config, log }: CertificateParts, onFault: () => void): Promise<Certificates> {
  try {
    return await openCertificateFiles({
      certFile: config.TLS_CERT_FILE!,
      keyFile: config.TLS_KEY_FILE!,
      hostname: config.POOL_HOSTNAME,
      clock: systemClock,
      log,
      onFault,
    });
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new ConfigError([`ATMOS_TLS_CERT_FILE, ATMOS_TLS_KEY_FILE: ${error.message}`]);
  }
}

async function byAcme(
  { config, secrets, log }: CertificateParts,
  onFault: () => void,
): Promise<Certificates> {
  const { ACME_EAB_KID: kid } = config;
  return openAcme({
    dir: dataPath(config, "acme"),
    directory: config.ACME_DIRECTORY!,
    names: acmeNames(config),
    contact: config.ACME_CONTACT,
    ...(kid !== undefined && { binding: { kid, hmacKey: secrets.acmeBinding! } }),
    ...(config.ACME_CA_FILE !== undefined && { ca: await readAuthority(config.ACME_CA_FILE) }),
    httpAddress: config.ACME_HTTP_ADDRESS,
    clock: systemClock,
    random: Math.random,
    log,
    onFault,
  });
}

/** What the certificate of this node is for; its own name first. */
export function acmeNames(config: Pick<Config, "POOL_HOSTNAME" | "ACME_NAMES">): string[] {
  return [...new Set([config.POOL_HOSTNAME, ...config.ACME_NAMES])];
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError([
      `ATMOS_ACME_CA_FILE: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ]);
  }
}
