import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../test/interop/servers/process.ts";
import { busySeconds, cpuSeconds, memoryMiB } from "../machine.ts";
import type { Side } from "../sides.ts";
import { MX_PORT, RECIPIENT_DOMAINS, SINK_HOSTS, type World } from "../world.ts";
import type { Load, LoadResult } from "./load.ts";
import type { SinkCommand, SinkOptions, Taken } from "./sink.ts";

export type Scenario = { name: string; messages: number; perConnection: number };

export const CONNECTIONS = 20;
export const MESSAGE_OCTETS = 4_096;
/** So many are written to: members write to those whom they know. */
export const RECIPIENTS = 40;

/** One load on one side, from the first connection until nothing moves any more. */
export type Measured = {
  acceptedPerSecond: number;
  /** From the first connection to the last message at its MX. */
  deliveredPerSecond: number;
  /** Milliseconds from the final dot to its 250. */
  p50: number;
  p99: number;
  /** CPU milliseconds of all its processes for one message, all that follows from it included. */
  cpuPerMessage: number;
  /** Seconds from the last delivery until its processes are at rest. */
  restAfter: number;
  memoryPeak: number;
  memoryAfter: number;
  signaturesPerMessage: number;
  messagesPerDelivery: number;
  /** Share of the machine that others used meanwhile, 0 to 1. */
  contention: number;
};

const DELIVERY_MS = 60_000;
const REST_MS = 30_000;
const SAMPLE_MS = 500;

export interface Sink extends AsyncDisposable {
  taken(): Taken;
  /** Lets those who deliver wait, at MAIL or before the greeting, until it is told otherwise. */
  holdBack(holdBack: SinkCommand["holdBack"]): void;
}

export type SinkPlace = Partial<Pick<SinkOptions, "hosts" | "latencyMs" | "chunking">> & {
  /** Names in the certificate. */
  names?: string[];
};

export async function startSink(world: World, place: SinkPlace = {}): Promise<Sink> {
  const { hosts = SINK_HOSTS, names = RECIPIENT_DOMAINS.map((domain) => `mx.${domain}`), ...how } = place;
  const { key, cert } = await world.authority.issue(...names);
  const child = fork(new URL("./sink.ts", import.meta.url));
  const options: SinkOptions = { hosts, port: MX_PORT, key, cert, ...how };
  child.send(options);
  let taken = await answerOf<Taken>(child, "the sink");
  child.on("message", (message) => (taken = message as Taken));
  return {
    taken: () => taken,
    holdBack: (holdBack) => void child.send({ holdBack } satisfies SinkCommand),
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

/** The first message that a child sends; rejects when it ends before. */
export async function answerOf<T>(child: ChildProcess, what: string): Promise<T> {
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`${what} ended with ${code}`)));
  const [message] = await Promise.race([once(child, "message"), ended]);
  ended.catch(() => undefined);
  return message as T;
}

/** Logins of each side that have been used. */
const used = new WeakMap<Side, number>();

/** One load on one side. Throws when one message is not accepted at once. */
export async function loadOn(
  side: Side,
  scenario: Pick<Load, "messages" | "perConnection"> &
    Partial<Pick<Load, "connections" | "size" | "perSecond" | "recipientDomains" | "spread">>,
): Promise<LoadResult> {
  const child = fork(new URL("./load.ts", import.meta.url));
  const load: Load = {
    to: side.submission,
    logins: side.logins,
    firstLogin: used.get(side) ?? 0,
    connections: CONNECTIONS,
    size: MESSAGE_OCTETS,
    recipients: RECIPIENTS,
    recipientDomains: RECIPIENT_DOMAINS,
    ...scenario,
  };
  child.send(load);
  const result = await answerOf<LoadResult>(child, "the load");
  used.set(side, load.firstLogin + result.sessions);
  if (result.accepted !== scenario.messages)
    throw new Error(`${side.name} refused: ${JSON.stringify(result.refused)}`);
  return result;
}

export async function measure(side: Side, sink: Sink, scenario: Scenario): Promise<Measured> {
  const roots = side.roots();
  const before = sink.taken();
  const cpuBefore = cpuSeconds(roots);
  const allBefore = { busy: busySeconds(), known: cpuSeconds([process.pid]), at: performance.now() };
  let memoryPeak = 0;
  const sampler = setInterval(() => (memoryPeak = Math.max(memoryPeak, memoryMiB(roots))), SAMPLE_MS);
  try {
    const result = await loadOn(side, scenario);
    await until(
      `${side.name} to deliver everything`,
      () => sink.taken().messages - before.messages >= scenario.messages,
      DELIVERY_MS,
    );
    const after = sink.taken();
    const restAfter = await secondsToRest(roots, after.at);
    const cpu = cpuSeconds(roots) - cpuBefore;
    const elapsed = (performance.now() - allBefore.at) / 1000;
    const known = cpuSeconds([process.pid]) - allBefore.known;
    const messages = after.messages - before.messages;
    return {
      acceptedPerSecond: result.accepted / result.seconds,
      deliveredPerSecond: messages / ((after.at - result.startedAt) / 1000),
      p50: result.p50,
      p99: result.p99,
      cpuPerMessage: (cpu * 1000) / messages,
      restAfter,
      memoryPeak,
      memoryAfter: memoryMiB(roots),
      signaturesPerMessage: (after.signatures - before.signatures) / messages,
      messagesPerDelivery: messages / (after.connections - before.connections),
      contention: Math.max(0, busySeconds() - allBefore.busy - known) / elapsed,
    };
  } finally {
    clearInterval(sampler);
  }
}

/** At rest: less than a tenth of a core for a second. Resolves with the seconds since `since`. */
export async function secondsToRest(roots: number[], since: number): Promise<number> {
  const deadline = Date.now() + REST_MS;
  for (let quiet = 0, before = cpuSeconds(roots); ;) {
    await pause(250);
    const now = cpuSeconds(roots);
    quiet = now - before <= 0.02 ? quiet + 1 : 0;
    before = now;
    if (quiet === 4 || Date.now() > deadline) return Math.max(0, (Date.now() - since) / 1000 - 1);
  }
}
