import { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../../lib/iso-times.ts";
import type { Core } from "../core/index.ts";
import { by } from "./fields.ts";
import { refused } from "./refusal.ts";

const receiver = z.strictObject({ url: z.string().max(2_000).nullable(), by });

/** `/members/DID/webhook`: where a member's own program is told what happens to its sending. */
export function webhookApi(core: Core): Hono {
  const app = new Hono();

  const subjectOf = (did: string) => {
    const member = core.members.get(did);
    return member?.membership === "member" ? member : undefined;
  };
  const view = (did: string) => ({
    receiver: core.webhooks.of(did) ?? null,
    messages: core.webhooks.receipts(did),
  });

  app.get("/webhook", (c) => {
    const did = c.req.param("did") ?? "";
    if (!subjectOf(did)) return refused(c, { error: "not-a-member", did });
    return c.json(isoTimes(view(did)));
  });

  app.post("/webhook", async (c) => {
    const did = c.req.param("did") ?? "";
    if (!subjectOf(did)) return refused(c, { error: "not-a-member", did });
    const body = receiver.parse(await c.req.json());
    if (body.url === null) {
      core.webhooks.remove(did, body.by);
      return c.json({ url: null });
    }
    const set = core.webhooks.set(did, body.url, body.by);
    if (!set.ok) return c.json({ error: "BadAddress", message: set.why }, 400);
    return c.json({ url: set.url, secret: set.secret });
  });

  /** One message that says nothing happened, and what was answered. */
  app.post("/webhook/test", async (c) => {
    const did = c.req.param("did") ?? "";
    if (!subjectOf(did)) return refused(c, { error: "not-a-member", did });
    const answer = await core.webhooks.test(did);
    if (!answer)
      return c.json(
        { error: "NoReceiver", message: "No receiver is named: atmos member webhook DID --url URL" },
        409,
      );
    return c.json(answer);
  });

  return app;
}
