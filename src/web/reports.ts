import { Hono, type Context } from "hono";
import { POOL_REPORTS_PATH } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import type { ReportPages } from "./report-view.ts";
import type { Page } from "./session.ts";

type ReportRoutes = {
  reports: ReportPages;
  answer: (c: Context, page: Rendered, status?: 404) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const LONGEST_DID = 2_048;
const LONGEST_NAME = 253;

/** The pages of what others report: of a domain for its member, and the pool's totals for the committee. */
export function reportRoutes({ reports, answer, refuse }: ReportRoutes): Hono {
  const app = new Hono();
  app.get("/members/:did/reports/:domain", async (c) => {
    const did = c.req.param("did").slice(0, LONGEST_DID);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = await reports.ofDomain(did, c.req.param("domain").slice(0, LONGEST_NAME).toLowerCase());
    return view === null ? answer(c, { page: "not-found" }, 404) : answer(c, { page: "reports", view });
  });
  app.get(POOL_REPORTS_PATH, async (c) => {
    const refused = await refuse(c, { page: "committee" });
    return refused ?? answer(c, { page: "pool-reports", view: reports.ofPool() });
  });
  return app;
}
