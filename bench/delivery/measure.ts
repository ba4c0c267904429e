import { until } from "../../test/interop/servers/process.ts";
import { busySeconds, cpuSeconds, memoryMiB } from "../machine.ts";
import type { Load } from "../relay/load.ts";
import { loadOn, secondsToRest, type Sink } from "../relay/throughput.ts";
import type { Side } from "../sides.ts";

export type Scenario = {
  name: string;
  sink: Sink;
  /** Connections at once, over all and to one destination. */
  connections: number;
  toOne: number;
} & Pick<Load, "messages" | "perConnection"> &
  Partial<Pick<Load, "size" | "recipientDomains" | "spread">>;

/** One queue of one side, from the moment when the hosts greet until the last message is there. */
export type Delivered = {
  perSecond: number;
  /** CPU milliseconds of all its processes for one message, all that follows from it included. */
  cpu: number;
  seconds: number;
  /** MiB: the highest meanwhile, and when it is at rest. */
  memoryPeak: number;
  memoryAfter: number;
  connections: number;
  messagesPerConnection: number;
  /** Cores that others used meanwhile, the receiving servers not counted. */
  others: number;
};

const DELIVERY_MS = 120_000;
const SAMPLE_MS = 250;
/** Who waits for a greeting gives up after five minutes; ours after one. */
const LONGEST_FILL_MS = 50_000;

/** Throws when a message is not accepted at once, when filling takes too long, or when one does not arrive. */
export async function measure(side: Side, scenario: Scenario): Promise<Delivered> {
  const { sink, messages, perConnection, size, recipientDomains, spread } = scenario;
  const roots = side.roots();
  sink.holdBack("greeting");
  try {
    const fillingSince = performance.now();
    await loadOn(side, {
      messages,
      perConnection,
      ...(size !== undefined && { size }),
      ...(recipientDomains !== undefined && { recipientDomains }),
      ...(spread !== undefined && { spread }),
    });
    await secondsToRest(roots, Date.now());
    if (performance.now() - fillingSince > LONGEST_FILL_MS)
      throw new Error(`${side.name}: filling its queue took too long to hold its connections back meanwhile`);
    return await release(side, sink, messages);
  } finally {
    sink.holdBack(false);
  }
}

async function release(side: Side, sink: Sink, messages: number): Promise<Delivered> {
  const roots = side.roots();
  const before = sink.taken();
  const cpuBefore = cpuSeconds(roots);
  const allBefore = { busy: busySeconds(), known: cpuSeconds([process.pid]), at: Date.now() };
  let memoryPeak = memoryMiB(roots);
  const sampler = setInterval(() => (memoryPeak = Math.max(memoryPeak, memoryMiB(roots))), SAMPLE_MS);
  try {
    sink.holdBack(false);
    const there = () => sink.taken().messages - before.messages;
    await until(`${side.name} to deliver everything`, () => there() >= messages, DELIVERY_MS).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; ${there()} of ${messages} are there`, { cause: error });
      },
    );
    const { at, connections } = sink.taken();
    const elapsed = (Date.now() - allBefore.at) / 1000;
    const known = cpuSeconds([process.pid]) - allBefore.known;
    const others = Math.max(0, busySeconds() - allBefore.busy - known) / elapsed;
    await secondsToRest(roots, Date.now());
    if (there() !== messages) throw new Error(`${side.name} delivered ${there()} of ${messages}`);
    const seconds = (at - allBefore.at) / 1000;
    const opened = connections - before.connections;
    return {
      perSecond: messages / seconds,
      cpu: ((cpuSeconds(roots) - cpuBefore) * 1000) / messages,
      seconds,
      memoryPeak,
      memoryAfter: memoryMiB(roots),
      connections: opened,
      messagesPerConnection: messages / opened,
      others,
    };
  } finally {
    clearInterval(sampler);
  }
}
