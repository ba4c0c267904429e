import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { ABUSE_OUTCOMES, ENTRY_ACTIONS, FOLDERS } from "../inbox/index.ts";
import type { InboxPages } from "./inbox-view.ts";
import { INBOX_PATH, inboxEntryPath } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Identity, type Page } from "./session.ts";

type InboxRoutes = {
  inbox: InboxPages;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const MOST_BODY = 8_192;
const Form = z.object({
  action: z.enum(ENTRY_ACTIONS),
  note: z.string().trim().max(1_000).default(""),
  to: z.string().trim().max(200).default(""),
});

const Answer = z.object({
  action: z.literal("answer"),
  outcome: z.enum(ABUSE_OUTCOMES),
  words: z.string().trim().max(1_000).default(""),
});

/** The committee's inbox: a list of each folder, and one mail as text. */
export function inboxRoutes({ inbox, publicUrl, identityOf, answer, refuse }: InboxRoutes): Hono {
  const app = new Hono();
  const committee: Page = { page: "committee" };
  app.use(
    `${INBOX_PATH}/*`,
    bodyLimit({ maxSize: MOST_BODY, onError: (c) => c.text("This is longer than any form here.", 413) }),
  );

  app.get(INBOX_PATH, async (c) => {
    const refused = await refuse(c, committee);
    if (refused) return refused;
    const folder = FOLDERS.find((name) => name === c.req.query("folder")) ?? "inbox";
    const before = /^\d{1,12}$/.test(c.req.query("before") ?? "") ? Number(c.req.query("before")) : undefined;
    return answer(c, { page: "inbox", view: inbox.list(folder, before) });
  });

  app.get(`${INBOX_PATH}/:id{[0-9]{1,12}}`, async (c) => {
    const refused = await refuse(c, committee);
    if (refused) return refused;
    const entry = await inbox.show(Number(c.req.param("id")));
    return entry ? answer(c, { page: "inbox-entry", entry }) : answer(c, { page: "not-found" }, 404);
  });

  app.post(`${INBOX_PATH}/:id{[0-9]{1,12}}`, async (c) => {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    const refused = await refuse(c, committee);
    if (refused) return refused;
    const id = Number(c.req.param("id"));
    const identity = identityOf(c);
    const by = (identity?.role === "committee" && identity.by) || "the committee";
    const body = await c.req.parseBody();
    const reply = Answer.safeParse(body);
    if (reply.success)
      return inbox.answer(id, { outcome: reply.data.outcome, words: reply.data.words, by })
        ? c.redirect(inboxEntryPath(id), 303)
        : answer(c, { page: "not-found" }, 404);
    const form = Form.safeParse(body);
    if (!form.success)
      return answer(
        c,
        { page: "not-done", why: "The form was not filled in as it should be.", back: inboxEntryPath(id) },
        400,
      );
    return inbox.act(id, { ...form.data, by })
      ? c.redirect(inboxEntryPath(id), 303)
      : answer(c, { page: "not-found" }, 404);
  });
  return app;
}
