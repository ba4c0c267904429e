import { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../../lib/iso-times.ts";
import { TIERS } from "../../policy/index.ts";
import type { Core } from "../core/index.ts";
import { by, did, domain, reason, words } from "./fields.ts";
import { refused } from "./refusal.ts";

const application = z.strictObject({
  did,
  name: z.string().min(1).max(100),
  contact: z.string().min(3).max(320),
  domains: z.array(domain).min(1).max(20),
  daily: z.number().int().min(1).max(1_000_000).nullable().default(null),
  purpose: words.default(""),
  pds: z.string().max(253).default(""),
  words: words.default(""),
  by,
});
const approval = z.strictObject({ tier: z.enum(TIERS).optional(), note: words.default(""), by });
const refusal = z.strictObject({ reason, by });
const STATES = ["open", "approved", "declined", "all"] as const;
const MOST = 200;

/** `/applications`: who wants to belong, and what was decided. */
export function applicationsApi(core: Core): Hono {
  const app = new Hono();

  app.get("/", (c) => {
    const state = z.enum(STATES).parse(c.req.query("state") ?? "open");
    return c.json(isoTimes({ applications: core.members.applications.list(state, MOST) }));
  });

  app.post("/", async (c) => {
    const { did: applicant, by: who, ...form } = application.parse(await c.req.json());
    const row = core.admission.apply(applicant, form, who);
    if ("error" in row) return refused(c, row);
    return c.json({ did: row.did, membership: row.membership });
  });

  app.post("/:did/approve", async (c) => {
    const row = core.admission.approve(c.req.param("did"), approval.parse(await c.req.json()));
    if ("error" in row) return refused(c, row);
    await core.told();
    return c.json({ did: row.did, membership: row.membership, tier: row.tier });
  });

  app.post("/:did/decline", async (c) => {
    const row = core.admission.decline(c.req.param("did"), refusal.parse(await c.req.json()));
    if ("error" in row) return refused(c, row);
    await core.told();
    return c.json({ did: row.did, membership: row.membership });
  });

  return app;
}
