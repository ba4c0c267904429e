import { until } from "../../test/interop/servers/process.ts";
import { busySeconds, cpuSeconds, memoryMiB } from "../machine.ts";
import type { Load } from "../relay/load.ts";
import { loadOn, secondsToRest, type Sink } from "../relay/throughput.ts";
import type { Side } from "../sides.ts";

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

const DELIVERY_MS = 90_000;
const SAMPLE_MS = 250;

/** Throws when one message is not accepted at once, or is delivered without all of its signatures. */
export async function measure(side: Signer, sink: Sink, scenario: Scenario): Promise<Accepted> {
  const roots = side.roots();
  const before = sink.taken();
  const cpuBefore = cpuSeconds(roots);
  const allBefore = { busy: busySeconds(), known: cpuSeconds([process.pid]), at: performance.now() };
  let memoryPeak = 0;
  const sampler = setInterval(() => (memoryPeak = Math.max(memoryPeak, memoryMiB(roots))), SAMPLE_MS);
  sink.holdBack("mail");
  try {
    const result = await loadOn(side, scenario);
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
