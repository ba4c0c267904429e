import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { TIERS } from "../policy/index.ts";
import { ANSWER_WORDS } from "../standing/index.ts";
import { memberPath } from "./paths.ts";
import { nameOfActor } from "./portal.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Identity, type Page } from "./session.ts";
import type { ActionResult, WebActions, Who } from "./view.ts";

type FormOptions = {
  actions: WebActions;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 409) => Promise<Response>;
  /** Null when whoever asks may see the page to which the form belongs. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const MAX_BODY = 16 * 1024;
const LONGEST_WORDS = 2_000;

const words = z.string().trim().max(LONGEST_WORDS).default("");
const PauseForm = z.object({
  answer: z.enum(["resumed", "this-was-me", "this-was-not-me"]),
  reason: words,
});
const ApplicationForm = z.object({
  decision: z.enum(["approve", "decline"]),
  application: z.coerce.number().int(),
  tier: z.enum(TIERS).default("new"),
  words,
});

const ofMember = (did: string): Page => ({ page: "member", did, needs: "manager" });
const ofCommittee = (): Page => ({ page: "committee" });

/** What the forms of members' pages send: only from our own pages, only from whom the page is for. */
export function formRoutes({ actions, publicUrl, identityOf, answer, refuse }: FormOptions): Hono {
  const app = new Hono();
  const notDone = (c: Context, did: string, why: string, status: 400 | 409) =>
    answer(c, { page: "not-done", why, back: memberPath(did) }, status);

  /** Reads the form and does it; then back to the page, unless there is a secret to show. */
  function form<S extends z.ZodType>(
    schema: S,
    pageOf: (did: string) => Page,
    act: (c: Context, did: string, who: Who, fields: z.infer<S>) => Promise<ActionResult>,
  ) {
    return async (c: Context) => {
      const did = c.req.param("did") ?? "";
      const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
      if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
      const refused = await refuse(c, pageOf(did));
      if (refused) return refused;
      const fields = schema.safeParse(await c.req.parseBody());
      if (!fields.success) return notDone(c, did, "The form was not filled in as it should be.", 400);
      const result = await act(c, did, whoIs(identityOf(c)), fields.data);
      if ("refused" in result) return notDone(c, did, result.refused, 409);
      if (result.credentials.length > 0)
        return answer(c, { page: "replaced", did, credentials: result.credentials });
      return c.redirect(memberPath(did), 303);
    };
  }

  app.use("/members/:did/*", bodyLimit({ maxSize: MAX_BODY, onError: tooLong }));
  app.post(
    "/members/:did/pauses/:id{[0-9]{1,12}}",
    form(PauseForm, ofMember, async (c, did, who, { answer: said, reason }) => {
      if (who.who === "committee" && reason === "") return { refused: "Say why, in words for the member." };
      const why = reason || ANSWER_WORDS[said === "this-was-me" ? said : "this-was-not-me"];
      return actions.answerPause(did, Number(c.req.param("id")), said, who, why);
    }),
  );
  app.post(
    "/members/:did/application",
    form(ApplicationForm, ofCommittee, async (_, did, { by }, fields) => {
      const { decision, application, tier, words: said } = fields;
      const approve = decision === "approve";
      if (!approve && said === "") return { refused: "Say why, in words for the applicant." };
      return actions.decideApplication(did, { application, approve, tier, words: said, by });
    }),
  );
  return app;
}

function tooLong(c: Context): Response {
  return c.text("This is longer than any form here.", 413);
}

function whoIs(identity: Identity | null): Who {
  const by = nameOfActor(identity);
  return { who: identity?.role === "committee" ? "committee" : "member", by };
}
