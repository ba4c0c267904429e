import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fail, messageOf, ok, warn, type Probe } from "./probe.ts";

const SOON_MS = 14 * 86_400_000;

/** Certificate and key of submission: there, a pair, for our name, and for how long. */
export const tls: Probe = async ({ config, now }) => {
  if (!config.ROLES.includes("relay") || !config.TLS_CERT_FILE || !config.TLS_KEY_FILE) return [];
  const remedy = "Point ATMOS_TLS_CERT_FILE and ATMOS_TLS_KEY_FILE at a PEM pair for the pool's host name.";
  try {
    const certificate = new X509Certificate(await readFile(config.TLS_CERT_FILE));
    const key = createPrivateKey(await readFile(config.TLS_KEY_FILE));
    if (!certificate.checkPrivateKey(key))
      return [fail("certificate", "key and certificate do not belong together", remedy)];
    if (!certificate.checkHost(config.POOL_HOSTNAME)) {
      return [
        fail(
          "certificate",
          `it is not for ${config.POOL_HOSTNAME} but for ${certificate.subjectAltName ?? certificate.subject}`,
          remedy,
        ),
      ];
    }
    const left = Date.parse(certificate.validTo) - now();
    const text = `for ${config.POOL_HOSTNAME}, until ${certificate.validTo}`;
    if (left <= 0)
      return [fail("certificate", `expired: ${text}`, "Renew it; PDSes refuse to connect until then.")];
    return [left < SOON_MS ? warn("certificate", text, "Renew it soon.") : ok("certificate", text)];
  } catch (error) {
    return [fail("certificate", messageOf(error), remedy)];
  }
};
