import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { ABUSE_KINDS } from "../inbox/index.ts";
import { ABUSE_REPORT_PATH, abuseReportPath, ALLOWLIST_PATH } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest } from "./session.ts";
import type { AllowlistPages } from "./view-allowlist.ts";

type AllowlistRoutes = {
  allowlist: AllowlistPages;
  publicUrl: string;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404 | 429) => Promise<Response>;
};

const LONGEST_ASKED = 2_048;
/** A header of 64 KiB in the encoding of a form. */
const MOST_BODY = 256 * 1024;
const LONGEST_HEADER = 64 * 1024;
const LONGEST_WORDS = 2_000;

const Report = z.object({
  reference: z.string().regex(/^[a-z2-7]{26}$/),
  kind: z.enum(ABUSE_KINDS),
  words: z.string().trim().max(LONGEST_WORDS).default(""),
  answerTo: z.union([z.literal(""), z.email().max(254)]).default(""),
  header: z.string().max(LONGEST_HEADER),
});

/** Why a report was not taken, and what to do. */
const NOT_TAKEN = {
  "no-header": "That is no header. Copy it from the source of the mail.",
  "not-ours":
    "No member signed this mail, and it carries no mark of ours: nobody here can do anything about it. Report it to whoever runs the host in its Received lines.",
  "too-many":
    "So many reports came from your network, or at once, that we cannot take this one here. Come back in an hour, or write to ABUSE.",
  full: "So many reports wait for an answer that we cannot take this one here. Write to ABUSE.",
  unclear: `Say what kind of abuse it is, in ${LONGEST_WORDS} characters at most, and give an address that exists or none.`,
} as const;

/** The pages of the allowlist: public. What is typed or pasted is not kept, unless it is sent as a report of abuse. */
export function allowlistRoutes({ allowlist, publicUrl, answer }: AllowlistRoutes): Hono {
  const app = new Hono();
  const path = ALLOWLIST_PATH;
  const { abuse, abuseAddress } = allowlist;
  const limit = bodyLimit({
    maxSize: MOST_BODY,
    onError: (c) => c.text("Paste the header alone: 64 KiB at most.", 413),
  });

  app.get(path, (c) => answer(c, { page: "allowlist", shown: { what: "list", view: allowlist.list() } }));
  app.get(`${path}/entry`, (c) => {
    const asked = (c.req.query("of") ?? "").slice(0, LONGEST_ASKED);
    return answer(c, { page: "allowlist", shown: { what: "entry", view: allowlist.find(asked) } });
  });
  app.get(`${path}/settings/:name`, (c) => {
    const snippet = allowlist.settings(c.req.param("name"));
    if (!snippet) return answer(c, { page: "not-found" }, 404);
    const { zone } = allowlist.list();
    return answer(c, { page: "allowlist", shown: { what: "settings", snippet, zone } });
  });
  app.get(`${path}/mail`, (c) =>
    answer(c, { page: "allowlist", shown: { what: "mail", view: null, text: "", abuseAddress } }),
  );
  app.post(`${path}/mail`, limit, async (c) => {
    const { header } = await c.req.parseBody();
    const text = (typeof header === "string" ? header : "").slice(0, LONGEST_HEADER);
    return answer(c, {
      page: "allowlist",
      shown: { what: "mail", view: await allowlist.paste(text), text, abuseAddress },
    });
  });

  if (!abuse) return app;
  app.post(ABUSE_REPORT_PATH, limit, async (c) => {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    const body = await c.req.parseBody();
    const form = Report.safeParse(body);
    const taken = form.success ? await abuse.take(c, form.data) : "unclear";
    if (form.success && (taken === "taken" || taken === "known"))
      return c.redirect(abuseReportPath(form.data.reference), 303);
    const typed = (name: string) => (typeof body[name] === "string" ? body[name] : "");
    const text = typed("header").slice(0, LONGEST_HEADER);
    const shown = {
      what: "mail" as const,
      view: await allowlist.paste(text),
      text,
      abuseAddress,
      said: {
        why: NOT_TAKEN[taken as keyof typeof NOT_TAKEN].replace("ABUSE", abuseAddress),
        kind: typed("kind"),
        words: typed("words").slice(0, LONGEST_WORDS),
        answerTo: typed("answerTo").slice(0, 254),
      },
    };
    return answer(c, { page: "allowlist", shown }, taken === "too-many" || taken === "full" ? 429 : 400);
  });
  app.get(ABUSE_REPORT_PATH, (c) => {
    const reference = (c.req.query("reference") ?? "").toLowerCase().replace(/[^a-z2-7]/g, "");
    return c.redirect(abuseReportPath(reference.slice(0, 64) || "none"), 303);
  });
  app.get(`${ABUSE_REPORT_PATH}/:reference`, (c) => {
    const reference = c.req.param("reference");
    const view = abuse.status(reference) ?? null;
    const shown = { what: "report" as const, view, reference, abuseAddress };
    return answer(c, { page: "allowlist", shown }, view === null ? 404 : undefined);
  });
  return app;
}
