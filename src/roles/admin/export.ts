import { Hono } from "hono";
import type { Logger } from "../../platform/log.ts";
import type { ExportDesk } from "../member-export.ts";

const STATUS = { NotAMember: 404, TooMany: 429 } as const;

/** `/members/DID/export`: everything about a member, a zip. `?whole=true`: with the addresses of its recipients. */
export function exportApi(desk: ExportDesk, log: Logger): Hono {
  const app = new Hono();
  app.get("/export", (c) => {
    const did = c.req.param("did") ?? "";
    const whole = c.req.query("whole") === "true";
    const made = desk.of(did, { whole });
    if ("error" in made) return c.json(made, STATUS[made.error]);
    log.info({ did, whole, by: c.req.query("by")?.slice(0, 200) }, "a member's data is handed out");
    return new Response(ReadableStream.from(made.bytes), { headers: { "content-type": "application/zip" } });
  });
  return app;
}
