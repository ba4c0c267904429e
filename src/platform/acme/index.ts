import type { Clock } from "../../lib/clock.ts";
import { covers, readPair, unfit, type Certificates, type Pair } from "../certificates/index.ts";
import type { Address } from "../config/index.ts";
import type { Logger } from "../log.ts";
import { listenForChallenges } from "./challenge.ts";
import { AcmeError } from "./fault.ts";
import { orderCertificate } from "./order.ts";
import { renewal, type Renewal } from "./renewal.ts";
import { NO_STATE, acmeStore, type AcmeState } from "./store.ts";

export { acmeStore, type AcmeState } from "./store.ts";

export type AcmeOptions = {
  /** Where account, certificate and state are kept. */
  dir: string;
  directory: string;
  /** The first is the host name of this node. */
  names: readonly string[];
  contact?: string | undefined;
  binding?: { kid: string; hmacKey: string } | undefined;
  /** PEM, trusted for the directory beside the usual authorities. */
  ca?: string | undefined;
  /** Where challenges are answered; the world reaches it as port 80. */
  httpAddress: Address;
  clock: Clock;
  /** 0 to 1. */
  random: () => number;
  log: Logger;
  /** A try failed. */
  onFault?: () => void;
};

export interface AcmeCertificates extends Certificates {
  /** Where challenges are answered. */
  readonly address: Address;
}

/** How long to sleep at most before looking again: a clock may have been set. */
const LONGEST_SLEEP_MS = 3_600_000;

/**
 * A certificate from an authority by ACME, renewed at two thirds of its life. The one that is there serves on when the
 * authority refuses; without one, `ready` waits until there is one, and the log tells each step.
 */
export async function openAcme(options: AcmeOptions): Promise<AcmeCertificates> {
  const { names, directory, clock, log } = options;
  const hostname = names[0]!;
  const about = JSON.stringify([directory, names, options.contact ?? "", options.binding?.kid ?? ""]);
  const store = acmeStore(options.dir);
  const listeners: ((pair: Pair) => void)[] = [];
  const stop = new AbortController();
  const spread = options.random();
  let state = await store.state();
  if (state.about !== about) state = { ...NO_STATE, issuedBy: state.issuedBy, about };
  let current = await keptPair();
  let asked = false;
  let wake = new AbortController();
  const challenges = await listenForChallenges(options.httpAddress);

  async function keptPair(): Promise<Pair | undefined> {
    const kept = await store.certificate();
    const read = kept && readPair(kept.cert, kept.key);
    if (read && "fault" in read)
      log.error({ file: store.certificatePath }, `the kept certificate cannot serve: ${read.fault}`);
    return read && "pair" in read ? read.pair : undefined;
  }

  const plan = (): Renewal =>
    renewal({
      ...state,
      now: clock.now(),
      held: current && {
        ...current,
        covers: state.issuedBy === directory && names.every((name) => covers(current!, name)),
      },
      asked,
      spread,
    });

  async function attempt(why: Renewal["why"]): Promise<void> {
    log.info({ directory, names, why }, "asking for a certificate by ACME");
    try {
      const found = await orderCertificate({
        ...options,
        account: await store.account(directory),
        challenges,
        signal: stop.signal,
        keepAccount: store.saveAccount,
        progress: (step) => log.info(`ACME: ${step}`),
      });
      current = fit(found);
      // A disk that takes nothing is no reason to throw away what was issued: it serves from memory.
      await store
        .saveCertificate(found)
        .catch((err: unknown) => log.error({ err }, "the new certificate could not be written"));
      await keep({ ...NO_STATE, about, issuedBy: directory });
      const pair = current;
      log.info({ names, until: iso(pair.notAfter) }, "a new certificate serves");
      for (const listener of listeners) listener(pair);
    } catch (error) {
      if (stop.signal.aborted) return;
      await fail(error as Error);
    }
  }

  function fit(found: { cert: string; key: string }): Pair {
    const read = readPair(found.cert, found.key);
    const why =
      "fault" in read
        ? read.fault
        : names.map((name) => unfit(read.pair, { hostname: name, now: clock.now() })).find(Boolean);
    if ("fault" in read || why !== undefined)
      throw new AcmeError({ text: `What the authority issued cannot serve: ${why}.`, retryAfterMs: 0 });
    return read.pair;
  }

  async function fail(error: Error): Promise<void> {
    asked = false;
    await keep({
      ...state,
      failures: state.failures + 1,
      lastFailureAt: clock.now(),
      lastError: error.message,
      retryAfterMs: error instanceof AcmeError ? error.retryAfterMs : 0,
    });
    const serves = current ? `the old one serves until ${iso(current.notAfter)}` : "nothing can serve yet";
    const sooner =
      state.retryAfterMs > 0 ? "which the authority asks for" : "or one minute after this at SIGHUP";
    const next = `next try at ${iso(plan().at)}, ${sooner}`;
    log.error({ names, failures: state.failures }, `no certificate: ${error.message} ${serves}; ${next}`);
    options.onFault?.();
  }

  /** A disk that takes nothing must not make us forget what failed: that would be the next try at once. */
  async function keep(next: AcmeState): Promise<void> {
    state = next;
    await store
      .saveState(next)
      .catch((err: unknown) => log.error({ err }, "the state of ACME could not be written"));
  }

  async function step(): Promise<void> {
    const { at, why } = plan();
    if (at <= clock.now()) return attempt(why);
    if (!current)
      log.warn(`no certificate yet, so nothing starts; next try at ${iso(at)}. ${state.lastError}`);
    const wait = Math.min(at - clock.now(), LONGEST_SLEEP_MS);
    await clock.sleep(wait, AbortSignal.any([stop.signal, wake.signal]));
  }

  const first = Promise.withResolvers<void>();
  if (current) first.resolve();

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await step();
      if (current) first.resolve();
    }
  }

  function serving(): Pair {
    if (!current) throw new Error("asked for a certificate before there is one");
    return current;
  }

  if (current) {
    const doubt = unfit(current, { hostname, now: clock.now() });
    if (doubt !== undefined) log.error(`the certificate serves, but ${doubt}`);
  }
  const running = run().catch((err: unknown) => log.error({ err }, "renewal by ACME ended"));

  return {
    address: challenges.address,
    ready: () => first.promise,
    current: serving,
    onChange: (listener) => void listeners.push(listener),
    async check() {
      asked = state.failures > 0;
      wake.abort();
      wake = new AbortController();
    },
    async close() {
      stop.abort();
      await running;
      await challenges.close();
    },
  };
}

const iso = (at: number) => new Date(at).toISOString();
