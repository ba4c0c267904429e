import { NOTICE_TOPIC, NoticeWish } from "../notice/index.ts";
import type { Bus, Subscription } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Relay } from "../relay/index.ts";

/** One of the relay nodes sends each of them: they are one group. */
const GROUP = "relay";

/** A relay node sends what core wants members to be told by mail. A full disk is waited for by the bus. */
export function followNotices(options: {
  bus: Bus;
  relay: Pick<Relay, "notify" | "wake">;
  log: Logger;
}): Subscription {
  const { bus, relay, log } = options;
  return bus.subscribe(NOTICE_TOPIC, GROUP, async (batch) => {
    for (const { value, seq } of batch) {
      const wish = NoticeWish.safeParse(value);
      if (!wish.success) {
        log.error({ seq }, "a notice that cannot be read was left out");
        continue;
      }
      const outcome = await relay.notify(wish.data);
      log.info({ member: wish.data.did, notice: wish.data.id, outcome }, "a member is told by mail");
    }
    relay.wake();
  });
}
