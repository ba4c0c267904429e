import { fork } from "node:child_process";
import { until } from "../../test/interop/servers/process.ts";
import { busySeconds, cpuSeconds, memoryMiB } from "../machine.ts";
import type { Load, LoadResult } from "../relay/load.ts";
import { answerOf, secondsToRest, type Sink } from "../relay/throughput.ts";
import type { Side } from "../sides.ts";
import { RECIPIENT_DOMAINS } from "../world.ts";

export type Scenario = Pick<Load, "messages" | "connections" | "perConnection" | "size" | "perSecond"> & {
  name: string;
};

/** A side, and the signatures that each of its messages must have. */
export type Signer = Side & { signatures: number };

/** One load on one side, from the first connection until nothing moves any more. Nothing is delivered meanwhile. */
export type Accepted = {
  perSecond: number;
  /** CPU milliseconds of all its processes for one message. */
  cpu: number;
  /** Milliseconds from the final dot to its 250, and from when the message was due. */
  p50: number;
  p99: number;
  p99Due: number;
  /** MiB: the highest, and when all is delivered. */
  memoryPeak: number;
  memoryAfter: number;
  /** Cores that others used meanwhile. */
  others: number;
};

/** So many are written to: members write to those whom they know. */
const RECIPIENTS = 40;
const DELIVERY_MS = 90_000;
const SAMPLE_MS = 250;

/** Logins of each side that have been used. */
const used = new WeakMap<Side, number>();

/** Throws when one message is not accepted at once, or is delivered without all of its signatures. */
export async function measure(side: Signer, sink: Sink, scenario: Scenario): Promise<Accepted> {
  const roots = side.roots();
  const before = sink.taken();
  const cpuBefore = cpuSeconds(roots);
  const allBefore = { busy: busySeconds(), known: cpuSeconds([process.pid]), at: performance.now() };
  let memoryPeak = 0;
  const sampler = setInterval(() => (memoryPeak = Math.max(memoryPeak, memoryMiB(roots))), SAMPLE_MS);
  sink.holdBack(true);
  try {
    const child = fork(new URL("../relay/load.ts", import.meta.url));
    const load: Load = {
      to: side.submission,
      logins: side.logins,
      firstLogin: used.get(side) ?? 0,
      recipients: RECIPIENTS,
      recipientDomains: RECIPIENT_DOMAINS,
      ...scenario,
    };
    child.send(load);
    const result = await answerOf<LoadResult>(child, "the load");
    used.set(side, load.firstLogin + result.sessions);
    if (result.accepted !== scenario.messages)
      throw new Error(`${side.name} refused: ${JSON.stringify(result.refused)}`);
    await secondsToRest(roots, Date.now());
    const cpu = cpuSeconds(roots) - cpuBefore;
    const others = Math.max(
      0,
      busySeconds() - allBefore.busy - (cpuSeconds([process.pid]) - allBefore.known),
    );
    const elapsed = (performance.now() - allBefore.at) / 1000;
    sink.holdBack(false);
    await delivered(side, sink, before.messages + scenario.messages);
    const signatures = sink.taken().signatures - before.signatures;
    if (signatures !== scenario.messages * side.signatures)
      throw new Error(`${side.name}: ${signatures} signatures of ${scenario.messages} messages`);
    return {
      perSecond: result.accepted / result.seconds,
      cpu: (cpu * 1000) / result.accepted,
      p50: result.p50,
      p99: result.p99,
      p99Due: result.p99Due,
      memoryPeak,
      memoryAfter: memoryMiB(roots),
      others: others / elapsed,
    };
  } finally {
    sink.holdBack(false);
    clearInterval(sampler);
  }
}

async function delivered(side: Side, sink: Sink, messages: number): Promise<void> {
  await until(`${side.name} to deliver everything`, () => sink.taken().messages >= messages, DELIVERY_MS);
  await secondsToRest(side.roots(), Date.now());
}
