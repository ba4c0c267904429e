import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { roleOf, type Identity, type People } from "../account/index.ts";
import { vouchesPath } from "./paths-leave.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Page } from "./session.ts";
import type { VouchPages } from "./view-vouch.ts";

type VouchRoutes = {
  vouches: VouchPages;
  people: Pick<People, "roleOf">;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404 | 409) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const MOST_BODY = 8_192;
const LONGEST_DID = 2_048;
const NOT_COMMITTEE = "The committee decides on applications; members vouch.";
const Form = z.object({
  account: z.string().trim().min(1).max(300),
  words: z.string().trim().max(1_000).default(""),
});

/** For whom a member speaks: its managers say it and take it back, the committee reads it. */
export function vouchRoutes({ vouches, people, publicUrl, identityOf, answer, refuse }: VouchRoutes): Hono {
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: MOST_BODY,
    onError: (c) => c.text("This is longer than any form here.", 413),
  });
  app.use("/members/:did/vouches", limit);

  app.get("/members/:did/vouches", async (c) => {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = vouches.view(did);
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "member-vouches", view, role: roleOf(identityOf(c), did, people.roleOf) });
  });
  app.post("/members/:did/vouches", (c) =>
    act(c, async (did) => {
      const form = Form.safeParse(await c.req.parseBody());
      return form.success
        ? vouches.vouch(did, form.data.account, form.data.words)
        : { refused: "The form was not filled in as it should be." };
    }),
  );
  app.post("/members/:did/vouches/:id{[0-9]{1,12}}/withdraw", (c) =>
    act(c, async (did) => vouches.withdraw(did, Number(c.req.param("id")))),
  );
  return app;

  async function act(c: Context, work: (did: string) => ReturnType<VouchPages["vouch"]>): Promise<Response> {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did, needs: "manager" });
    if (refused) return refused;
    const back = vouchesPath(did);
    if (identityOf(c)?.role === "committee")
      return answer(c, { page: "not-done", why: NOT_COMMITTEE, back }, 403);
    const result = await work(did);
    if ("refused" in result) return answer(c, { page: "not-done", why: result.refused, back }, 409);
    return c.redirect(back, 303);
  }
}

const didOf = (c: Context) => (c.req.param("did") ?? "").slice(0, LONGEST_DID);
