import type { Clock } from "../../lib/clock.ts";
import {
  closeCommand,
  closePulse,
  NODE_COMMAND_TOPIC,
  NODE_STATUS_TOPIC,
  NodeStatus,
  PULSE_TOPIC,
  type NodeCommand,
} from "../../node/index.ts";
import type { Bus } from "../../platform/bus/index.ts";
import type { Logger } from "../../platform/log.ts";
import type { Scheduler } from "../../platform/scheduler.ts";
import type { SigningKey } from "../../platform/sign.ts";

const PULSE_EVERY_MS = 10_000;
/** A node that says nothing for so long is away, or cannot reach the brokers. */
const AWAY_MS = 60_000;

export type PoolDesk = ReturnType<typeof createPoolDesk>;

/** Core's side of the nodes: it says that it lives, hears how they are, and tells them what to do. */
export function createPoolDesk(options: {
  bus: Bus;
  signWith: SigningKey;
  version: string;
  clock: Clock;
  log: Logger;
  scheduler: Scheduler;
}) {
  const { bus, signWith, clock, log, scheduler } = options;
  const nodes = new Map<string, NodeStatus>();

  scheduler.every({
    name: "pulse",
    everyMs: PULSE_EVERY_MS,
    run: () =>
      bus.publish(PULSE_TOPIC, [
        { key: "core", value: closePulse({ at: clock.now(), version: options.version }, signWith) },
      ]),
  });
  const statuses = bus.subscribe(
    NODE_STATUS_TOPIC,
    "core",
    async (batch) => {
      for (const { value } of batch) {
        const status = NodeStatus.safeParse(value);
        if (status.success) nodes.set(status.data.node, status.data);
        else log.error("a status that cannot be read was left out");
      }
    },
    0,
  );

  return {
    /** How each node was when it last said so, by name. */
    list: () =>
      [...nodes.values()]
        .toSorted((a, b) => (a.node < b.node ? -1 : 1))
        .map((status) => ({ ...status, isAway: clock.now() - status.at > AWAY_MS })),
    /** False: no node of this name was ever heard. Durable once resolved; the node does it when it hears. */
    async command(node: string, action: NodeCommand["action"], by: string): Promise<boolean> {
      if (!nodes.has(node)) return false;
      const command: NodeCommand = { node, action, by, at: clock.now() };
      await bus.publish(NODE_COMMAND_TOPIC, [{ key: node, value: closeCommand(command, signWith) }]);
      return true;
    },
    close: () => statuses.close(),
  };
}
