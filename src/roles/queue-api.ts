import { isValidDid } from "@atproto/syntax";
import type { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../lib/iso-times.ts";
import { HOLD_OWNERS, QUEUE_ACTIONS, RECIPIENT_STATES, type QueueFilter } from "../spool/index.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { QueueDesk } from "./queue-desk.ts";

export type QueueApiOptions = CommitteeGate & {
  desk: QueueDesk;
};

const MAX_LIMIT = 10_000;

const words = (most: number) => z.string().min(1).max(most);
const limit = z.coerce.number().int().min(1).max(MAX_LIMIT);
const filter = z.strictObject({
  ids: z.array(words(64)).min(1).max(1_000).optional(),
  did: z
    .string()
    .refine((text) => isValidDid(text), "is not a DID")
    .optional(),
  credential: words(100).optional(),
  fromDomain: words(253).optional(),
  recipient: words(320).optional(),
  recipientDomain: words(253).optional(),
  states: z.array(z.enum(RECIPIENT_STATES)).min(1).optional(),
  holdReason: words(100).optional(),
  holdOwner: z.enum(HOLD_OWNERS).optional(),
  stream: words(100).optional(),
  /** Received at least so long ago. */
  olderThanMs: z.number().int().min(0).optional(),
});
const search = z.strictObject({
  filter: filter.default({}),
  limit: limit.default(100),
  before: z.number().int().positive().optional(),
});
const operation = z.strictObject({
  filter: filter.refine(
    (given) => Object.keys(given).length > 0,
    "must say which mail is meant: name at least one thing",
  ),
  by: words(200),
  why: words(1_000),
  limit: limit.optional(),
  dryRun: z.boolean().default(false),
});
const action = z.enum(QUEUE_ACTIONS);

/**
 * The queue of this node for people: `POST /list`, `GET /messages/:id`, `POST /hold|release|requeue|bounce|drop`, with a
 * short-lived token of the committee. An operation names who does it and why, and leaves a trace in each message.
 */
export function queueApi({ desk, ...gate }: QueueApiOptions): Hono {
  const app = committeeApi(gate);

  app.post("/list", async (c) => {
    const { filter: asked, limit: most, before } = search.parse(await c.req.json());
    const page = { limit: most, ...(before !== undefined && { before }) };
    const now = desk.now();
    const { entries, next } = await desk.list(given(asked, now), page);
    return c.json(isoTimes({ now, entries, next: next ?? null, counts: await desk.counts() }));
  });

  app.get("/messages/:id", async (c) => {
    const history = await desk.history(c.req.param("id"));
    if (history) return c.json(isoTimes({ now: desk.now(), ...history }));
    return c.json({ error: "NotFound", message: "No message or recipient has this id" }, 404);
  });

  app.post("/:action", async (c) => {
    const name = action.safeParse(c.req.param("action"));
    if (!name.success)
      return c.json({ error: "NotFound", message: `One of ${QUEUE_ACTIONS.join(", ")}` }, 404);
    const { filter: asked, limit: most, ...rest } = operation.parse(await c.req.json());
    const request = { ...rest, filter: given(asked, desk.now()), ...(most !== undefined && { limit: most }) };
    const result = await desk.act(name.data, request);
    if (!rest.dryRun)
      gate.log.info(
        { action: name.data, by: rest.by, why: rest.why, filter: asked, ...result },
        "queue operation",
      );
    return c.json(result);
  });

  return app;
}

/** Without what was not given; the age as a time. */
function given({ olderThanMs, ...asked }: z.infer<typeof filter>, now: number): QueueFilter {
  const all = { ...asked, receivedUpTo: olderThanMs === undefined ? undefined : now - olderThanMs };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
