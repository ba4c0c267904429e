import { readFile, stat } from "node:fs/promises";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../log.ts";
import { readPair, unfit, type Pair } from "./pair.ts";

/** A certificate that may change while it serves. */
export interface Certificates {
  /** Resolves once there is one. */
  ready(): Promise<void>;
  /** After `ready`. */
  current(): Pair;
  /** Called with each new pair, which is fit to serve. */
  onChange(listener: (pair: Pair) => void): void;
  /** Looks now (SIGHUP), instead of at the next time. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export type CertificateFilesOptions = {
  certFile: string;
  keyFile: string;
  /** What the certificate should be for. */
  hostname: string;
  clock: Clock;
  log: Logger;
  /** Default: a minute. */
  everyMs?: number;
  /** A pair was refused. */
  onFault?: () => void;
};

/** The files cannot serve at all; the message says why. */
export class CertificateError extends Error {}

const MAX_BYTES = 1024 * 1024;

/**
 * Certificate and key from files, looked at each minute: a renewed pair is taken without a restart, and one that cannot
 * serve (half written, of two kinds, expired, for another name) is refused while the old one goes on.
 * @throws CertificateError when there is no pair at all to begin with. One that expired serves: what is queued can leave.
 */
export async function openCertificateFiles(options: CertificateFilesOptions): Promise<Certificates> {
  const { certFile, keyFile, hostname, clock, log, everyMs = 60_000 } = options;
  const listeners: ((pair: Pair) => void)[] = [];
  const stop = new AbortController();
  let seen = await traceOf([certFile, keyFile]);
  const first = await read(certFile, keyFile);
  if ("fault" in first) throw new CertificateError(`${certFile}, ${keyFile}: ${first.fault}`);
  let current = first.pair;
  let refused: string | undefined;
  const doubt = unfit(current, { hostname, now: clock.now() });
  if (doubt !== undefined) log.error({ certFile }, `the certificate serves, but ${doubt}: renew it`);

  async function look(): Promise<void> {
    const trace = await traceOf([certFile, keyFile]);
    // What was refused is read again each time: it may have been half written, or not yet valid.
    if (trace === seen && refused === undefined) return;
    seen = trace;
    const found = await read(certFile, keyFile);
    const why =
      "fault" in found ? found.fault : unfit(found.pair, { hostname, now: clock.now(), serving: current });
    if (why !== undefined || "fault" in found) {
      if (why !== refused) {
        log.error({ certFile, keyFile }, `a new certificate is refused, the old one serves on: ${why}`);
        options.onFault?.();
      }
      refused = why;
      return;
    }
    refused = undefined;
    if (found.pair.fingerprint === current.fingerprint && found.pair.cert === current.cert) return;
    current = found.pair;
    log.info({ certFile, until: new Date(current.notAfter).toISOString() }, "a new certificate serves");
    for (const listener of listeners) listener(current);
  }

  let last: Promise<void> = Promise.resolve();
  const check = () => (last = last.then(look).catch((err: unknown) => log.error({ err }, "certificate")));

  const loop = (async () => {
    for (;;) {
      await clock.sleep(everyMs, stop.signal);
      if (stop.signal.aborted) return;
      await check();
    }
  })();

  return {
    ready: () => Promise.resolve(),
    current: () => current,
    onChange: (listener) => void listeners.push(listener),
    check,
    async close() {
      stop.abort();
      await Promise.all([loop, last]);
    },
  };
}

async function read(certFile: string, keyFile: string): Promise<{ pair: Pair } | { fault: string }> {
  const texts: string[] = [];
  for (const path of [certFile, keyFile]) {
    try {
      if ((await stat(path)).size > MAX_BYTES) return { fault: `${path} is larger than a certificate` };
      texts.push(await readFile(path, "utf8"));
    } catch (error) {
      return { fault: `${path} cannot be read (${(error as NodeJS.ErrnoException).code})` };
    }
  }
  return readPair(texts[0]!, texts[1]!);
}

/** Differs when a file was replaced or written to; symbolic links are followed, as tools of renewal move them. */
async function traceOf(paths: readonly string[]): Promise<string> {
  const traces = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
        return [ino, size, mtimeNs, ctimeNs].join(".");
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "?";
      }
    }),
  );
  return traces.join(" ");
}
