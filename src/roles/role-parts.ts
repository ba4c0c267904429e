import type { EventMaker } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Bus } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Scheduler } from "../platform/scheduler.ts";
import type { Resolver } from "../protocol/dns/index.ts";

/** What every role of a process is given. */
export type RoleParts = {
  bus: Bus;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  scheduler: Scheduler;
  resolver: Resolver;
  newEvent: EventMaker;
};
