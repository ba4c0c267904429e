import { stat } from "node:fs/promises";
import { systemClock } from "../lib/clock.ts";
import { ConfigError } from "../platform/config/index.ts";
import type { Logger } from "../platform/log.ts";
import { readShaping, type ReadResult } from "./read.ts";
import { createShaping, unknownProvider } from "./shaping.ts";
import type { Shaping } from "./types.ts";

/** The shaping in force, which follows the operator's file. */
export interface LiveShaping extends Shaping {
  /** Looks at the file now (SIGHUP), whether it changed or not. */
  check(): Promise<void>;
  /** Why the file that is there is not the one in force; empty: it is. */
  faults(): readonly string[];
  close(): Promise<void>;
}

export type OpenShapingOptions = {
  /** The operator's file; undefined: the built-in one alone. */
  file: string | undefined;
  /** Names that settings give to providers: `gmail` of ATMOS_PROVIDER_DAILY. */
  named: readonly string[];
  log: Logger;
  /** Told after each look whether the file that is there is in force. */
  onLook?: ((sound: boolean) => void) | undefined;
  /** Milliseconds of real time between looks; default five seconds. */
  everyMs?: number;
};

/**
 * Reads the files, and the operator's again whenever it changes: what is asked from then on is answered by the new one,
 * what is under way goes on. A faulty one is refused while the last good one stays.
 * @throws ConfigError with every problem, where it is faulty at the start
 */
export async function openShaping(options: OpenShapingOptions): Promise<LiveShaping> {
  const { file, named, log, onLook, everyMs = 5_000 } = options;
  const first = read(file, named);
  if (!first.ok) throw new ConfigError(first.problems);
  const warn = (warnings: readonly string[]) => {
    for (const warning of warnings) log.warn({ file }, warning);
  };
  warn(first.warnings);
  let current = createShaping(first.data);
  let faults: readonly string[] = [];
  let seen = await traceOf(file);
  const stop = new AbortController();
  onLook?.(true);

  async function look(asked: boolean): Promise<void> {
    const trace = await traceOf(file);
    // A faulty file is read again each time: it may have been half written.
    if (!asked && trace === seen && faults.length === 0) return;
    const changed = asked || trace !== seen;
    seen = trace;
    const next = read(file, named);
    if (next.ok) {
      current = createShaping(next.data);
      faults = [];
      warn(next.warnings);
      log.info({ file }, "the shaping file was read; what is sent from now on follows it");
    } else {
      if (changed || faults.length === 0)
        log.error(
          { file, problems: next.problems },
          "the shaping file is refused; the last good one stays in force",
        );
      faults = next.problems;
    }
    onLook?.(next.ok);
  }

  let last: Promise<void> = Promise.resolve();
  const check = (asked: boolean) =>
    (last = last.then(() => look(asked)).catch((err: unknown) => log.error({ err }, "shaping file")));
  const loop = file === undefined ? Promise.resolve() : follow();

  async function follow(): Promise<void> {
    for (;;) {
      await systemClock.sleep(everyMs, stop.signal);
      if (stop.signal.aborted) return;
      await check(false);
    }
  }

  return {
    providerOf: (host) => current.providerOf(host),
    providerOfMailbox: (domain) => current.providerOfMailbox(domain),
    providers: () => current.providers(),
    limitsOf: (provider) => current.limitsOf(provider),
    judge: (provider, reply) => current.judge(provider, reply),
    ruleWords: (name) => current.ruleWords(name),
    nameOf: (provider) => current.nameOf(provider),
    domainRule: (domain) => current.domainRule(domain),
    clearDomains: () => current.clearDomains(),
    check: () => (file === undefined ? Promise.resolve() : check(true)),
    faults: () => faults,
    async close() {
      stop.abort();
      await Promise.all([loop, last]);
    },
  };
}

/** The package's own file, which never changes: for what has no operator, such as tests. */
export function builtInShaping(): Shaping {
  const built = readShaping(undefined);
  if (!built.ok) throw new Error(built.problems.join("\n"));
  return createShaping(built.data);
}

function read(file: string | undefined, named: readonly string[]): ReadResult {
  const result = readShaping(file);
  if (!result.ok) return result;
  const shaping = createShaping(result.data);
  const unknown = named.flatMap((name) => unknownProvider(shaping, name) ?? []);
  return unknown.length === 0
    ? result
    : { ok: false, problems: unknown.map((words) => `ATMOS_PROVIDER_DAILY: ${words}`) };
}

/** Differs when the file was replaced or written to. */
async function traceOf(file: string | undefined): Promise<string> {
  if (file === undefined) return "";
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(".");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "?";
  }
}
