import type { Hono } from "hono";
import { z } from "zod";
import { ABUSE_OUTCOMES, ENTRY_ACTIONS, ENTRY_STATES, FOLDERS, type Inbox } from "../inbox/index.ts";
import { isoTimes } from "../lib/iso-times.ts";
import type { Clock } from "../lib/clock.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";

const search = z.object({
  folder: z.enum(FOLDERS).optional(),
  state: z.enum(ENTRY_STATES).optional(),
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
});
const operation = z.strictObject({
  by: z.string().trim().min(1).max(200),
  note: z.string().trim().max(1_000).default(""),
  to: z.string().trim().max(200).optional(),
});

const answered = z.strictObject({
  by: z.string().trim().min(1).max(200),
  outcome: z.enum(ABUSE_OUTCOMES),
  words: z.string().trim().max(1_000).default(""),
});

/**
 * The committee's inbox for people: `GET /`, `GET /:id`, `GET /:id/raw`, `POST /:id/done|reopen|assign|spam|not-spam|answer`, with a
 * short-lived token of the committee.
 */
export function inboxApi({ inbox, clock, ...gate }: CommitteeGate & { inbox: Inbox; clock: Clock }): Hono {
  const app = committeeApi(gate);
  const missing = { error: "NotFound", message: "No entry of the inbox has this number" };

  app.get("/", (c) => {
    const { folder, state, before, limit } = search.parse(c.req.query());
    const entries = inbox.list({ folder, state }, { before, limit });
    const next = entries.length === limit ? (entries.at(-1)?.id ?? null) : null;
    return c.json(isoTimes({ now: clock.now(), entries, next, counts: inbox.counts() }));
  });

  app.get("/:id{[0-9]{1,12}}", async (c) => {
    const entry = await inbox.show(Number(c.req.param("id")));
    return entry ? c.json(isoTimes({ now: clock.now(), entry })) : c.json(missing, 404);
  });

  app.get("/:id{[0-9]{1,12}}/raw", (c) => {
    const raw = inbox.raw(Number(c.req.param("id")));
    return raw ? c.json({ raw: Buffer.from(raw).toString("base64") }) : c.json(missing, 404);
  });

  app.post("/:id{[0-9]{1,12}}/answer", async (c) => {
    const answer = answered.parse(await c.req.json());
    const entry = inbox.answer(Number(c.req.param("id")), { ...answer, at: clock.now() });
    if (!entry) return c.json({ error: "NotFound", message: "No report of abuse has this number" }, 404);
    gate.log.info({ entry: entry.id, ...answer }, "a report of abuse was answered");
    return c.json(isoTimes({ entry }));
  });

  app.post("/:id{[0-9]{1,12}}/:action", async (c) => {
    const action = z.enum(ENTRY_ACTIONS).safeParse(c.req.param("action"));
    if (!action.success)
      return c.json({ error: "NotFound", message: `One of ${ENTRY_ACTIONS.join(", ")}` }, 404);
    const { by, note, to } = operation.parse(await c.req.json());
    const request = { action: action.data, by, note, at: clock.now(), ...(to !== undefined && { to }) };
    const entry = inbox.act(Number(c.req.param("id")), request);
    if (!entry) return c.json(missing, 404);
    gate.log.info({ entry: entry.id, action: action.data, by }, "an entry of the inbox was decided on");
    return c.json(isoTimes({ entry }));
  });

  return app;
}
