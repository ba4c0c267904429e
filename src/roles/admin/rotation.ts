import { Hono, type Context } from "hono";
import { isoTimes } from "../../lib/iso-times.ts";
import type { MemberError, Rotation } from "../../member/index.ts";
import type { Core } from "../core/index.ts";
import { domain } from "./fields.ts";
import { refused } from "./refusal.ts";

const nameOf = (c: Context) => domain.parse(c.req.param("domain"));
const answer = (c: Context, rotation: Rotation | MemberError) =>
  "error" in rotation ? refused(c, rotation) : c.json(isoTimes(rotation));

/** `/domains/:domain/rotation`: new keys for a domain, with overlap. */
export function rotationApi(core: Core): Hono {
  const app = new Hono();

  app.get("/", (c) => answer(c, core.members.rotation(nameOf(c))));
  app.post("/", async (c) => answer(c, await core.members.rotate(nameOf(c))));
  app.post("/cancel", (c) => answer(c, core.members.cancelRotation(nameOf(c))));
  app.post("/now", async (c) => {
    const name = nameOf(c);
    const before = core.members.rotation(name);
    if ("error" in before) return answer(c, before);
    if (before.publish.length === 0) return answer(c, { error: "no-rotation", domain: name });
    await core.hurryRotation(name);
    await core.told();
    return answer(c, core.members.rotation(name));
  });

  return app;
}
