import type { Bus, Subscription } from "../platform/bus.ts";
import type { Logger } from "../platform/log.ts";
import type { Spool } from "../spool/index.ts";
import { z } from "zod";

/** The topic on which core tells relay nodes what becomes of mail that waits. What a policy holds, a policy frees. */
export const QUEUE_COMMAND_TOPIC = "queue.command";

const Command = z.object({
  action: z.literal("drop"),
  did: z.string().max(2_048),
  /** The credential that submitted the mail; null: what is held of the member, whatever submitted it. */
  credential: z.string().max(100).nullable(),
  /** Mail that was taken later is not meant, ms since the epoch. */
  receivedUpTo: z.number().int(),
  by: z.string().max(100),
  reason: z.string().max(2_000),
});
/** Told twice it changes nothing more. */
export type QueueCommand = z.infer<typeof Command>;

/** A relay node does what it is told with the mail in its own spool. */
export function followQueueCommands(options: {
  bus: Bus;
  spool: Spool;
  /** Consumer group: one for each node. */
  group: string;
  now: () => number;
  log: Logger;
}): Subscription {
  const { bus, spool, group, now, log } = options;

  async function drop({ did, credential, receivedUpTo, by, reason }: QueueCommand): Promise<void> {
    const filter = {
      did,
      receivedUpTo,
      ...(credential === null ? { states: ["held" as const] } : { credential }),
    };
    for (;;) {
      const result = await spool.drop({ filter, by, why: reason, now: now() });
      log.info({ did, credential, ...result, messageIds: undefined }, "mail dropped by a command");
      if (!result.more || result.recipients === 0) return;
    }
  }

  return bus.subscribe(QUEUE_COMMAND_TOPIC, group, async (batch) => {
    for (const { value, seq } of batch) {
      const command = Command.safeParse(value);
      if (command.success) await drop(command.data);
      else log.error({ seq }, "a command that cannot be read was left out");
    }
  });
}
