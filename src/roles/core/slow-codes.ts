import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../platform/database.ts";
import type { Logger } from "../../platform/log.ts";
import type { SlowTime, Timing } from "../../timing/index.ts";
import type { Scheduler } from "../../platform/scheduler.ts";
import type { MemberNews } from "./member-news.ts";

type Parts = {
  db: Database;
  clock: Clock;
  log: Logger;
  timing: Timing;
  news: Pick<MemberNews, "codes" | "tell">;
};

/** Looks each minute. */
export function watchCodes(parts: Parts & { scheduler: Pick<Scheduler, "every"> }): void {
  parts.scheduler.every({
    name: "late login codes looked for",
    everyMs: 60_000,
    async run() {
      lookForSlowCodes(parts);
      await parts.news.tell();
    },
  });
}

/** Looks once where login codes are late, and tells whose they are; of several members the log tells, and the committee's page. */
function lookForSlowCodes({ db, clock, log, timing, news }: Parts): void {
  db.transaction(() => {
    const { begun, ended } = timing.look(clock.now());
    for (const one of [...begun, ...ended]) tell(one);
  });

  function tell(one: SlowTime): void {
    const { did, provider, until, last } = one;
    if (did !== null) news.codes({ ...one, did });
    else if (until === null) log.warn({ provider, ...last }, "login codes of several members are late");
    else log.info({ provider }, "login codes of several members are in time again");
  }
}
