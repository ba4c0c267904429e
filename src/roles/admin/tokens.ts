import { Hono } from "hono";
import { z } from "zod";
import { TOKEN_DAYS, TOKEN_SCOPES } from "../../account/index.ts";
import { isoTimes } from "../../lib/iso-times.ts";
import type { DeskRefusal } from "../member-desk.ts";
import type { TokenDesk } from "../token-desk.ts";
import { by } from "./fields.ts";

const newToken = z.strictObject({
  name: z.string().max(200),
  scopes: z.array(z.enum(TOKEN_SCOPES)).max(TOKEN_SCOPES.length * 2),
  days: z.number().int().default(TOKEN_DAYS.usual),
  by,
});
const revocation = z.strictObject({ by });

const STATUS: Record<string, 400 | 404> = { NotAMember: 404, NotFound: 404 };

const refused = (fault: DeskRefusal) => [fault, STATUS[fault.error] ?? 400] as const;

/** `/members/DID/tokens`: with which a member's own programs call in its name. */
export function tokensApi(desk: TokenDesk): Hono {
  const app = new Hono();

  app.get("/tokens", (c) => {
    const tokens = desk.list(c.req.param("did") ?? "");
    return "error" in tokens ? c.json(...refused(tokens)) : c.json(isoTimes({ tokens }));
  });

  app.post("/tokens", async (c) => {
    const { by: who, ...wish } = newToken.parse(await c.req.json());
    const made = desk.make(c.req.param("did") ?? "", wish, who);
    return "error" in made ? c.json(...refused(made)) : c.json(isoTimes(made));
  });

  app.post("/tokens/:id/revoke", async (c) => {
    const { by: who } = revocation.parse(await c.req.json());
    const done = desk.revoke(c.req.param("did") ?? "", c.req.param("id"), who);
    return "error" in done ? c.json(...refused(done)) : c.json(done);
  });

  return app;
}
