import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ALLOWLIST_PATH } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import type { AllowlistPages } from "./view-allowlist.ts";

type AllowlistRoutes = {
  allowlist: AllowlistPages;
  answer: (c: Context, page: Rendered, status?: 400 | 404) => Promise<Response>;
};

const LONGEST_ASKED = 2_048;
/** A header of 64 KiB in the encoding of a form. */
const MOST_BODY = 256 * 1024;
const LONGEST_HEADER = 64 * 1024;

/** The pages of the allowlist: public, and nothing that is typed or pasted is kept. */
export function allowlistRoutes({ allowlist, answer }: AllowlistRoutes): Hono {
  const app = new Hono();
  const path = ALLOWLIST_PATH;

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
    answer(c, { page: "allowlist", shown: { what: "mail", view: null, text: "" } }),
  );
  app.post(
    `${path}/mail`,
    bodyLimit({ maxSize: MOST_BODY, onError: (c) => c.text("Paste the header alone: 64 KiB at most.", 413) }),
    async (c) => {
      const { header } = await c.req.parseBody();
      const text = (typeof header === "string" ? header : "").slice(0, LONGEST_HEADER);
      return answer(c, { page: "allowlist", shown: { what: "mail", view: allowlist.paste(text), text } });
    },
  );
  return app;
}
