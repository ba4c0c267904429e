import type { Clock } from "../lib/clock.ts";
import {
  createEar,
  NODE_COMMAND_TOPIC,
  NODE_STATUS_TOPIC,
  nodeState,
  openCommand,
  openPulse,
  PULSE_TOPIC,
  type CutOffLimits,
  type NodeStatus,
} from "../node/index.ts";
import type { Bus } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Scheduler } from "../platform/scheduler.ts";
import type { VerifyingKey } from "../platform/sign.ts";
import type { NodeState } from "../policy/index.ts";

const STATUS_EVERY_MS = 15_000;
const LOOK_EVERY_MS = 5_000;

export type PoolNodeOptions = {
  bus: Bus;
  node: string;
  version: string;
  coreKey: VerifyingKey;
  limits: CutOffLimits;
  /** Core runs in this process, and is never away. */
  isWithCore: boolean;
  clock: Clock;
  log: Logger;
  metrics: Pick<Metrics, "nodeState">;
  scheduler: Scheduler;
};

/** What else a status has. */
type Counts = Omit<NodeStatus, "node" | "version" | "since" | "at" | "state">;

export type PoolNode = ReturnType<typeof joinPool>;

const WORDS: Record<NodeState, string> = {
  serving: "core is heard; everything is served",
  draining: "this node is drained: it sends what it has, and takes nothing",
  "cut-off": "core is not heard: mail of members in good standing goes on, by the last that core said",
  silent: "core is not heard for too long, or was never: nothing is taken, and nothing leaves",
};

/** A relay node among others: hears whether core lives and what it is to do, and says how it is. */
export function joinPool(options: PoolNodeOptions) {
  const { bus, node, coreKey, clock, log, metrics, scheduler } = options;
  const ear = createEar(() => clock.now());
  const group = `relay:${node}`;
  const since = clock.now();
  let commandAt = -Infinity;
  let draining = false;
  let known: NodeState | undefined;

  const stateNow = (): NodeState =>
    nodeState({ silentFor: options.isWithCore ? 0 : ear.silentFor(), draining }, options.limits);

  /** The log has each change once. */
  function look(): NodeState {
    const state = stateNow();
    if (state === known) return state;
    // What core said last is on this disk, and about to be read.
    if (known === undefined && state === "silent" && clock.now() - since < LOOK_EVERY_MS) return state;
    log[state === "serving" ? "info" : "warn"]({ state }, WORDS[state]);
    metrics.nodeState.reset();
    metrics.nodeState.set({ state }, 1);
    known = state;
    return state;
  }

  // Both topics hold their last word, which counts after a restart too.
  const pulses = bus.subscribe(
    PULSE_TOPIC,
    group,
    async (batch) => {
      for (const { value } of batch) {
        const pulse = openPulse(value, coreKey);
        if (pulse) ear.heard(pulse.at);
        else log.error("a pulse that core did not sign was left out");
      }
      look();
    },
    0,
  );
  const commands = bus.subscribe(
    NODE_COMMAND_TOPIC,
    group,
    async (batch) => {
      for (const { key, value } of batch) {
        if (key !== node) continue;
        const command = openCommand(value, coreKey);
        if (command?.node !== node) log.error("a command that core did not sign was left out");
        else if (command.at > commandAt) {
          commandAt = command.at;
          draining = command.action === "drain";
          log.info({ action: command.action, by: command.by }, "told by core");
        }
      }
      look();
    },
    0,
  );
  scheduler.every({ name: "core listened for", everyMs: LOOK_EVERY_MS, run: async () => void look() });

  return {
    state: look,
    /** Why nothing leaves now. */
    standsStill: (): string | undefined => (look() === "silent" ? WORDS.silent : undefined),
    /** Tells the others now and then how this node is. */
    tell(counts: () => Promise<Counts>): void {
      scheduler.every({
        name: "status told",
        everyMs: STATUS_EVERY_MS,
        async run() {
          const value: NodeStatus = {
            node,
            version: options.version,
            since,
            at: clock.now(),
            state: look(),
            ...(await counts()),
          };
          await bus.publish(NODE_STATUS_TOPIC, [{ key: node, value }]);
        },
      });
    },
    async close(): Promise<void> {
      await Promise.all([pulses.close(), commands.close()]);
    },
  };
}
