import { Hono } from "hono";
import type { Inbox } from "../inbox/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { InboxPages } from "../web/index.ts";
import type { CommitteeGate } from "./committee-api.ts";
import type { Core } from "./core/index.ts";
import { egressApi } from "./egress-api.ts";
import { inboxApi } from "./inbox-api.ts";
import { measuresApi } from "./measures-api.ts";
import { queueApi } from "./queue-api.ts";
import type { RunningRelay } from "./relay.ts";
import { tlsReportApi } from "./tls-report-api.ts";
import { traceApi } from "./trace-api.ts";

const PAGE = 50;

/** What the command line asks of the relay node in this process, below `/api`. */
export function relayApis({
  relay,
  core,
  clock,
  ...gate
}: CommitteeGate & {
  relay: RunningRelay;
  /** Undefined where core runs elsewhere: what only core knows is left out. */
  core: Pick<Core, "egressNotices" | "suppressions"> | undefined;
  clock: Clock;
}): Hono {
  const app = new Hono();
  app.route("/queue", queueApi({ desk: relay.queue, ...gate }));
  app.route("/egress", egressApi({ egress: relay.egress, notices: core?.egressNotices, clock, ...gate }));
  app.route("/shaping", measuresApi({ desk: relay.measures, ...gate }));
  app.route("/tls-report", tlsReportApi({ reports: relay.reports, clock, ...gate }));
  app.route("/inbox", inboxApi({ inbox: relay.inbox, clock, ...gate }));
  const { spool, keyOf } = relay;
  app.route("/trace", traceApi({ spool, keyOf, suppressions: core?.suppressions, clock, ...gate }));
  return app;
}

/** The inbox of the relay node in this process, for the pages. */
export function inboxPages(inbox: Inbox, clock: Clock): InboxPages {
  return {
    list(folder, before) {
      const entries = inbox.list({ folder }, { before, limit: PAGE });
      const next = entries.length === PAGE ? (entries.at(-1)?.id ?? null) : null;
      return { folder, entries, next, counts: inbox.counts() };
    },
    show: (id) => inbox.show(id),
    act: (id, what) => inbox.act(id, { ...what, at: clock.now() }) !== undefined,
    answer: (id, what) => inbox.answer(id, { ...what, at: clock.now() }) !== undefined,
  };
}
