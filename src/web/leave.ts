import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { roleOf, type Identity, type People } from "../account/index.ts";
import { deletionPath, leavePath } from "./paths-leave.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Page } from "./session.ts";
import { confirms, type LeavePages } from "./view-leave.ts";

type LeaveRoutes = {
  leaving: LeavePages;
  people: Pick<People, "roleOf">;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404 | 409) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const MOST_BODY = 8_192;
const LONGEST_DID = 2_048;
const WRONG_NAME = "What you typed is not the name that stands there. Nothing was done.";
const NOT_COMMITTEE =
  "The owner does this here. The committee does it by command: atmos member leave, atmos member delete.";

const Form = z.object({
  name: z.string().trim().max(300),
  reason: z.string().trim().max(2_000).default(""),
});

/** Leaving in two steps: what happens to what; then the name of the member, typed. Deletion likewise. By its owner alone. */
export function leaveRoutes(options: LeaveRoutes): Hono {
  const { leaving, people, publicUrl, identityOf, answer, refuse } = options;
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: MOST_BODY,
    onError: (c) => c.text("This is longer than any form here.", 413),
  });
  app.use("/members/:did/leave/*", limit);

  const steps = [
    ["/members/:did/leave", "leave", "look"],
    ["/members/:did/leave/confirm", "leave", "confirm"],
    ["/members/:did/leave/deletion", "delete", "confirm"],
  ] as const;
  for (const [path, what, step] of steps)
    app.get(path, async (c) => {
      const did = didOf(c);
      const refused = await refuse(c, { page: "member", did, ...(step === "confirm" && { needs: "owner" }) });
      if (refused) return refused;
      const view = await leaving.view(did);
      if (view === null) return answer(c, { page: "not-found" }, 404);
      const role = roleOf(identityOf(c), did, people.roleOf);
      return answer(c, { page: "member-leave", view, role, step: step === "look" ? "look" : what });
    });

  app.post("/members/:did/leave/confirm", (c) =>
    act(c, leavePath, (did, by, reason) => leaving.leave(did, by, reason || "Left by its own form.")),
  );
  app.post("/members/:did/leave/deletion", (c) => act(c, deletionPath, (did, by) => leaving.forget(did, by)));
  return app;

  async function act(
    c: Context,
    backOf: (did: string) => string,
    work: (did: string, by: string, reason: string) => ReturnType<LeavePages["forget"]>,
  ): Promise<Response> {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did, needs: "owner" });
    if (refused) return refused;
    const back = backOf(did);
    const identity = identityOf(c);
    if (roleOf(identity, did, people.roleOf) !== "owner")
      return answer(c, { page: "not-done", why: NOT_COMMITTEE, back }, 403);
    const form = Form.safeParse(await c.req.parseBody());
    const view = await leaving.view(did);
    if (view === null) return answer(c, { page: "not-found" }, 404);
    if (!form.success || !confirms(view, form.data.name))
      return answer(c, { page: "not-done", why: WRONG_NAME, back }, 400);
    const by = identity?.role === "person" ? identity.did : "the member";
    const result = await work(did, by, form.data.reason);
    return "refused" in result
      ? answer(c, { page: "not-done", why: result.refused, back }, 409)
      : c.redirect(leavePath(did), 303);
  }
}

const didOf = (c: Context) => (c.req.param("did") ?? "").slice(0, LONGEST_DID);
