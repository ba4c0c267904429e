import type { Egress } from "../egress/index.ts";
import type { Received } from "../feedback/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { Shaping } from "../shaping/index.ts";
import type { Spool } from "../spool/index.ts";

export type CoolingOptions = {
  spool: Pick<Spool, "messageByRecipient" | "attempts">;
  egress: Pick<Egress, "record">;
  shaping: Pick<Shaping, "providerOf">;
  clock: Clock;
  log: Logger;
};

/** Recipients whose complaint is remembered: the same report may be handed in again. */
const REMEMBERED = 10_000;

/**
 * What a complaint does beside what it says of the member: it counts for the address that the mail left from, at the
 * provider that took it, so that its warm-up goes no further there or steps back.
 */
export function cooledByComplaints<A extends unknown[]>(
  receive: (...mail: A) => Promise<Received>,
  { spool, egress, shaping, clock, log }: CoolingOptions,
): (...mail: A) => Promise<Received> {
  const counted = new Set<string>();

  async function count(recipientId: string): Promise<void> {
    if (counted.has(recipientId)) return;
    counted.add(recipientId);
    if (counted.size > REMEMBERED) counted.delete(counted.values().next().value!);
    const message = await spool.messageByRecipient(recipientId);
    const attempts = message ? await spool.attempts(message.id) : [];
    const taken = attempts.findLast((one) => one.recipientId === recipientId && one.class === "ok");
    if (!taken || taken.egress === undefined || taken.egress === null) return;
    const host = taken.host.split(" ")[0]!;
    egress.record(taken.egress, shaping.providerOf(host), "complaint", clock.now());
  }

  return async (...mail) => {
    const received = await receive(...mail);
    if (received.outcome === "complained" && received.recipientId !== undefined) {
      // The complaint itself is on disk: the reporter is not asked to send it again for this.
      await count(received.recipientId).catch((err: unknown) =>
        log.error({ err }, "a complaint was not counted for the address that the mail left from"),
      );
    }
    return received;
  };
}
