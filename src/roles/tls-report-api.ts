import type { Hono } from "hono";
import type { Clock } from "../lib/clock.ts";
import type { TlsReports } from "../tls-report/index.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";

/**
 * What this node counted and reported of TLS, for people: `GET /`, `GET /domains/<domain>`, with a short-lived token of the
 * committee. `on`: false where reports are switched off.
 */
export function tlsReportApi({
  reports,
  clock,
  ...gate
}: CommitteeGate & { reports: TlsReports | undefined; clock: Clock }): Hono {
  const app = committeeApi(gate);
  app.get("/", (c) => {
    const found = reports?.overview() ?? { days: [], reports: [], failed: 0 };
    return c.json({ now: clock.now(), on: reports !== undefined, ...found });
  });
  app.get("/domains/:domain", (c) => {
    const domain = c.req.param("domain").toLowerCase();
    return c.json({
      now: clock.now(),
      on: reports !== undefined,
      domain,
      days: reports?.domain(domain) ?? [],
    });
  });
  return app;
}
