import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { complete, removeDirectory, temporaryDirectory, type Server } from "./process.ts";

export interface Certificate {
  /** PEM texts and the files that hold them; `cert` is the leaf alone. */
  key: string;
  cert: string;
  keyPath: string;
  certPath: string;
}

export interface CertificateAuthority extends Server {
  /** The authority's own certificate, PEM: what a client must trust (`NODE_EXTRA_CA_CERTS`). */
  cert: string;
  certPath: string;
  /** A server certificate for these DNS names and IPv4 addresses, valid for thirty days. */
  issue(...names: string[]): Promise<Certificate>;
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];

/** A certificate authority of the test's own, made with openssl(1). */
export async function startCertificateAuthority(): Promise<CertificateAuthority> {
  const directory = await temporaryDirectory("ca");
  const keyPath = join(directory, "ca.key");
  const certPath = join(directory, "ca.pem");
  const subject = ["-subj", "/CN=Atmosphere Mail test authority"];
  await complete("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", keyPath, "-out", certPath]);
  let issued = 0;
  const stop = () => removeDirectory(directory);
  return {
    cert: await readFile(certPath, "utf8"),
    certPath,
    async issue(...names) {
      const base = join(directory, `leaf-${++issued}`);
      const alternative = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`));
      const signer = ["-CA", certPath, "-CAkey", keyPath, "-subj", `/CN=${names[0]}`];
      const extensions = [
        `subjectAltName=${alternative.join(",")}`,
        "basicConstraints=critical,CA:FALSE",
        "extendedKeyUsage=serverAuth",
      ].flatMap((extension) => ["-addext", extension]);
      const files = ["-keyout", `${base}.key`, "-out", `${base}.pem`];
      await complete("openssl", ["req", "-x509", ...curve, ...signer, ...extensions, ...files]);
      return {
        key: await readFile(`${base}.key`, "utf8"),
        cert: await readFile(`${base}.pem`, "utf8"),
        keyPath: `${base}.key`,
        certPath: `${base}.pem`,
      };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
