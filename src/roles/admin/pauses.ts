import { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../../lib/iso-times.ts";
import type { Core } from "../core/index.ts";
import { by, reason } from "./fields.ts";
import { refused } from "./refusal.ts";

const order = z.strictObject({ credential: z.string().max(100).nullable().default(null), reason, by });

/** `/members/:did/pause` and `/resume`: stopped and let go by a person. */
export function pausesApi(core: Core): Hono {
  const app = new Hono();

  app.post("/pause", async (c) => {
    const paused = core.pauseDesk.pause(c.req.param("did") ?? "", order.parse(await c.req.json()));
    if ("error" in paused) return refused(c, paused);
    await core.told();
    return c.json(isoTimes({ pause: paused }));
  });

  app.post("/resume", async (c) => {
    const resumed = core.pauseDesk.resume(c.req.param("did") ?? "", order.parse(await c.req.json()));
    if ("error" in resumed) return refused(c, resumed);
    await core.told();
    return c.json(isoTimes({ ended: resumed.ended }));
  });

  return app;
}
