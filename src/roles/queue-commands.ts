import { z } from "zod";
import type { Bus, Subscription } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Spool } from "../spool/index.ts";
import type { QueueDesk } from "./queue-desk.ts";
import { dropAll } from "./stolen-mail.ts";

/** The topic on which core tells relay nodes what becomes of mail that waits. What a policy holds, a policy frees. */
export const QUEUE_COMMAND_TOPIC = "queue.command";

const Drop = z.object({
  action: z.literal("drop"),
  did: z.string().max(2_048),
  /** The credential that submitted the mail; null: what is held of the member, whatever submitted it. */
  credential: z.string().max(100).nullable(),
  /** Mail that was taken later is not meant, ms since the epoch. */
  receivedUpTo: z.number().int(),
  by: z.string().max(100),
  reason: z.string().max(2_000),
});
/** A member that has left wants nothing kept: what waits is dropped, what is finished forgotten. */
const Forget = z.object({
  action: z.literal("forget"),
  did: z.string().max(2_048),
  /** What it sent after it came back is not meant, ms since the epoch. */
  receivedUpTo: z.number().int(),
  by: z.string().max(100),
  reason: z.string().max(2_000),
});
const Command = z.discriminatedUnion("action", [Drop, Forget]);
/** Told twice it changes nothing more. */
export type QueueCommand = z.infer<typeof Command>;

/** A relay node does what it is told with the mail in its own spool. */
export function followQueueCommands(options: {
  bus: Bus;
  queue: Pick<QueueDesk, "act">;
  spool: Pick<Spool, "forget">;
  habits: { forget(did: string): void };
  /** Consumer group: one for each node. */
  group: string;
  log: Logger;
}): Subscription {
  const { bus, queue, spool, habits, group, log } = options;

  async function drop({ did, credential, receivedUpTo, by, reason }: z.infer<typeof Drop>): Promise<void> {
    const filter = {
      did,
      receivedUpTo,
      ...(credential === null ? { states: ["held" as const] } : { credential }),
    };
    const { recipients, inFlight } = await dropAll(queue, { filter, by, why: reason });
    log.info({ did, credential, recipients, inFlight }, "mail dropped by a command");
  }

  async function forget({ did, receivedUpTo, by, reason }: z.infer<typeof Forget>): Promise<void> {
    const { recipients, inFlight } = await dropAll(queue, { filter: { did, receivedUpTo }, by, why: reason });
    const messages = await spool.forget(did, receivedUpTo);
    habits.forget(did);
    log.info({ did, recipients, inFlight, messages }, "a former member's mail and log forgotten");
  }

  return bus.subscribe(QUEUE_COMMAND_TOPIC, group, async (batch) => {
    for (const { value, seq } of batch) {
      const command = Command.safeParse(value);
      if (command.success) await (command.data.action === "drop" ? drop(command.data) : forget(command.data));
      else log.error({ seq }, "a command that cannot be read was left out");
    }
  });
}
