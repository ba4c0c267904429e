import { Hono, type Context } from "hono";
import { PROVIDERS_PATH } from "./paths.ts";
import type { ProviderPages } from "./provider-view.ts";
import type { Rendered } from "./render.tsx";
import type { Page } from "./session.ts";

type ProviderRoutes = {
  providers: ProviderPages;
  answer: (c: Context, page: Rendered, status?: 404) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const LONGEST_DID = 2_048;

/** What providers say: all of it for the committee, its own domains for a member. */
export function providerRoutes({ providers, answer, refuse }: ProviderRoutes): Hono {
  const app = new Hono();
  app.get(PROVIDERS_PATH, async (c) => {
    const refused = await refuse(c, { page: "committee" });
    return refused ?? answer(c, { page: "committee-providers", view: providers.ofPool() });
  });
  app.get("/members/:did/providers", async (c) => {
    const did = (c.req.param("did") ?? "").slice(0, LONGEST_DID);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = providers.ofMember(did);
    return view === null
      ? answer(c, { page: "not-found" }, 404)
      : answer(c, { page: "member-providers", view });
  });
  return app;
}
