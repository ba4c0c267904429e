import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { POOL_SUPPRESSIONS_PATH, suppressionsPath } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Identity, type Page } from "./session.ts";
import type { SuppressionPages, SuppressionSearch } from "./suppression-view.ts";

type SuppressionRoutes = {
  suppressions: SuppressionPages;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404 | 409) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const MOST_BODY = 4_096;
const LONGEST_DID = 2_048;
const GONE =
  "This entry is in force no more: it ended, or was released before, perhaps by the same button pressed twice.";

/** The pages of suppressed recipients. An address is looked for by a form, so that it stands in no log and no history. */
export function suppressionRoutes({ suppressions, ...around }: SuppressionRoutes): Hono {
  const { publicUrl, identityOf, answer, refuse } = around;
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: MOST_BODY,
    onError: (c) => c.text("This is longer than any form here.", 413),
  });
  app.use("/members/:did/suppressions/*", limit);
  app.use(`${POOL_SUPPRESSIONS_PATH}/*`, limit);

  const isOurs = (c: Context) =>
    isOwnRequest({ origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") }, publicUrl);
  async function ofMember(c: Context, search: SuppressionSearch | null): Promise<Response> {
    const view = await suppressions.ofMember(didOf(c), beforeOf(c));
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "suppressions", view, search });
  }

  app.get("/members/:did/suppressions", async (c) => {
    return (await refuse(c, { page: "member", did: didOf(c) })) ?? ofMember(c, null);
  });
  app.post("/members/:did/suppressions/search", async (c) => {
    if (!isOurs(c)) return answer(c, { page: "foreign" }, 403);
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    return refused ?? ofMember(c, await suppressions.find(await asked(c), did));
  });
  app.post("/members/:did/suppressions/:id{[0-9]{1,15}}/release", async (c) => {
    if (!isOurs(c)) return answer(c, { page: "foreign" }, 403);
    const did = didOf(c);
    return (
      (await refuse(c, { page: "member", did, needs: "manager" })) ?? release(c, did, suppressionsPath(did))
    );
  });

  app.get(POOL_SUPPRESSIONS_PATH, async (c) => {
    const refused = await refuse(c, { page: "committee" });
    return refused ?? ofPool(c, null);
  });
  app.post(`${POOL_SUPPRESSIONS_PATH}/search`, async (c) => {
    if (!isOurs(c)) return answer(c, { page: "foreign" }, 403);
    const refused = await refuse(c, { page: "committee" });
    return refused ?? ofPool(c, await suppressions.find(await asked(c)));
  });
  app.post(`${POOL_SUPPRESSIONS_PATH}/:id{[0-9]{1,15}}/release`, async (c) => {
    if (!isOurs(c)) return answer(c, { page: "foreign" }, 403);
    const refused = await refuse(c, { page: "committee" });
    return refused ?? release(c, null, POOL_SUPPRESSIONS_PATH);
  });
  return app;

  async function ofPool(c: Context, search: SuppressionSearch | null): Promise<Response> {
    return answer(c, { page: "pool-suppressions", view: await suppressions.ofPool(beforeOf(c)), search });
  }

  async function release(c: Context, did: string | null, back: string): Promise<Response> {
    const identity = identityOf(c);
    const who =
      identity?.role === "committee"
        ? { who: "committee" as const, by: identity.by ?? "the committee" }
        : { who: "member" as const, by: "the member" };
    const released = await suppressions.release(did, Number(c.req.param("id")), who);
    return released ? c.redirect(back, 303) : answer(c, { page: "not-done", why: GONE, back }, 409);
  }
}

function beforeOf(c: Context): number | undefined {
  const before = c.req.query("before") ?? "";
  return /^\d{1,15}$/.test(before) ? Number(before) : undefined;
}

async function asked(c: Context): Promise<string> {
  const { address } = await c.req.parseBody();
  return typeof address === "string" ? address.trim().slice(0, 320) : "";
}

function didOf(c: Context): string {
  return (c.req.param("did") ?? "").slice(0, LONGEST_DID);
}
