import type { Hono } from "hono";
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { inspect } from "../protocol/inspect/index.ts";
import { sources } from "../report/index.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { ReportDesk } from "./core/report-desk.ts";
import { asMail } from "./report-file.ts";

/** A file of 10 MiB, in base64. */
const MOST_BODY = 14 * 1024 * 1024;
const MOST_DAYS = 400;
const asked = z.object({ days: z.coerce.number().int().min(1).max(MOST_DAYS).default(30) });
const importing = z.strictObject({ file: z.base64(), by: z.string().trim().min(1).max(200) });

/**
 * What others report of members' domains, for people: `GET /?days=`, `GET /domains/:domain?days=`, `POST /import`, with a
 * short-lived token of the committee.
 */
export function reportApi({
  desk,
  clock,
  ...gate
}: CommitteeGate & { desk: ReportDesk; clock: Clock }): Hono {
  const app = committeeApi({ ...gate, mostBody: MOST_BODY });

  app.get("/", (c) => {
    const { days } = asked.parse(c.req.query());
    return c.json({ now: new Date(clock.now()).toISOString(), days, domains: desk.totals(days) });
  });

  app.get("/domains/:domain", (c) => {
    const { days } = asked.parse(c.req.query());
    const found = desk.ofDomain(c.req.param("domain"), days);
    if (!found) return c.json({ error: "NotFound", message: "No member has this domain" }, 404);
    const { did, domain, rows, tls, reports } = found;
    const bySource = Object.entries(sources(rows, desk.egress)).map(([kind, list]) => [
      kind,
      list.map((source) => ({
        ...source,
        days: source.days.map((day) => ({ ...day, day: dayName(day.day) })),
      })),
    ]);
    return c.json({
      now: new Date(clock.now()).toISOString(),
      days,
      did,
      domain,
      sources: Object.fromEntries(bySource) as Record<string, unknown>,
      tls: tls.map((row) => ({ ...row, day: dayName(row.day) })),
      reports: reports.map((row) => ({ ...row, day: dayName(row.day) })),
    });
  });

  app.post("/import", async (c) => {
    const { file, by } = importing.parse(await c.req.json());
    const { report, problem } = await inspect(asMail(Buffer.from(file, "base64")));
    if (!report)
      return c.json(
        { error: "NoReport", message: `No DMARC or TLS report: ${problem ?? "it holds none"}` },
        400,
      );
    const told = desk.take(report);
    gate.log.info({ by, told }, "a report was imported");
    const { kind, organization, reportId } = report;
    return c.json({ kind, organization, reportId, told, ...(problem !== undefined && { problem }) });
  });

  return app;
}

const dayName = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10);
