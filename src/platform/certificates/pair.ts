import { X509Certificate, createPrivateKey } from "node:crypto";
import { createSecureContext } from "node:tls";

/** A certificate with its chain and its key (PEM), of which it is known that they belong together. */
export type Pair = {
  cert: string;
  key: string;
  /** The leaf's life, ms since the epoch. */
  notBefore: number;
  notAfter: number;
  /** The leaf, for people: its SHA-256. */
  fingerprint: string;
};

export const DAY_MS = 86_400_000;

/** Reads a pair, or says in words why it is none. Pure. */
export function readPair(cert: string, key: string): { pair: Pair } | { fault: string } {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    return { fault: "the certificate is not readable PEM" };
  }
  let privateKey;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    return { fault: "the key is not a readable PEM private key without a passphrase" };
  }
  if (!leaf.checkPrivateKey(privateKey))
    return { fault: "key and certificate do not belong together (the server's own certificate comes first)" };
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    return { fault: `TLS cannot use it: ${(error as Error).message}` };
  }
  return {
    pair: {
      cert,
      key,
      notBefore: leaf.validFromDate.getTime(),
      notAfter: leaf.validToDate.getTime(),
      fingerprint: leaf.fingerprint256,
    },
  };
}

export function covers(pair: Pick<Pair, "cert">, name: string): boolean {
  return new X509Certificate(pair.cert).checkHost(name) !== undefined;
}

/** The names of the certificate, for people. */
export function namesOf(pair: Pick<Pair, "cert">): string {
  const { subjectAltName, subject } = new X509Certificate(pair.cert);
  return subjectAltName ?? subject;
}

/** Why `next` may not take the place of what serves now; undefined: it may. Pure. */
export function unfit(
  next: Pair,
  { hostname, now, serving }: { hostname: string; now: number; serving?: Pair | undefined },
): string | undefined {
  if (next.notAfter <= now) return `it expired at ${iso(next.notAfter)}`;
  if (next.notBefore > now) return `it is valid from ${iso(next.notBefore)} only; is the clock right?`;
  if (!covers(next, hostname) && (serving === undefined || covers(serving, hostname)))
    return `it is not for ${hostname} but for ${namesOf(next)}`;
  return undefined;
}

const iso = (at: number) => new Date(at).toISOString();
