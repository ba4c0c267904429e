import { randomId } from "../lib/ids.ts";
import type { Clock } from "../lib/clock.ts";
import {
  createLeaseHolder,
  LIMIT_ASK_TOPIC,
  LIMIT_GRANT_TOPIC,
  LimitGrant,
  type LeaseHolder,
} from "../lease/index.ts";
import type { Bus, Subscription } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Scheduler } from "../platform/scheduler.ts";
import type { PolicyBook } from "../policy/index.ts";
import { attempt } from "./attempt.ts";

const LOOK_EVERY_MS = 5_000;

type Options = {
  bus: Bus;
  node: string;
  clock: Clock;
  log: Logger;
  metrics: Pick<Metrics, "leasesUnanswered">;
  scheduler: Scheduler;
  /** The book asks the holder, and the holder the book: it is there before the first question. */
  book: () => PolicyBook;
};

/** This node's shares of the limits of members, as `PoolLimits.lease`; `follow` begins to hear core. */
export function openPoolLimits(options: Options): { lease: LeaseHolder; follow: () => Subscription } {
  const { bus, node, clock, log, metrics, scheduler, book } = options;
  const lease = createLeaseHolder({
    node,
    origin: randomId(),
    open: (did) => book().leaseOpen(did),
    settle: (did, units) => book().settleLease(did, units),
    ask: (value) =>
      void attempt(log, "asking for a share of limits", () =>
        bus.publish(LIMIT_ASK_TOPIC, [{ key: value.did, value }]),
      ),
    now: () => clock.now(),
  });
  let isAlone = false;

  return {
    lease,
    follow() {
      lease.resume(
        book()
          .all()
          .map(({ did }) => did),
      );
      scheduler.every({
        name: "shares of limits",
        everyMs: LOOK_EVERY_MS,
        async run() {
          lease.look();
          const unanswered = lease.unanswered();
          metrics.leasesUnanswered.set(unanswered);
          if (unanswered > 0 === isAlone) return;
          isAlone = unanswered > 0;
          if (isAlone)
            log.warn(
              { members: unanswered },
              "core gives no shares of limits: members have what they had, and the allowance",
            );
          else log.info("core gives shares of limits again");
        },
      });
      return bus.subscribe(LIMIT_GRANT_TOPIC, `relay:${node}`, async (batch) => {
        for (const { value, seq } of batch) {
          const grant = LimitGrant.safeParse(value);
          if (grant.success) lease.granted(grant.data);
          else log.error({ seq }, "a share of limits that cannot be read was left out");
        }
      });
    },
  };
}
