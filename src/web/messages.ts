import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { RECIPIENT_STATES } from "../spool/index.ts";
import { STREAMS } from "../policy/index.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Page } from "./session.ts";
import type { SuppressionPages } from "./suppression-view.ts";
import type { LogFilter, MessagePages, PortalRole } from "./view.ts";

type MessageRoutes = {
  messages: MessagePages;
  suppressions: Pick<SuppressionPages, "find"> | undefined;
  publicUrl: string;
  answer: (c: Context, page: Rendered, status?: 403 | 404) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
  roleOf: (c: Context, did: string) => PortalRole;
};

const MAX_BODY = 4_096;
const LONGEST_DID = 2_048;
const DAY_MS = 86_400_000;
const didOf = (c: Context) => (c.req.param("did") ?? "").slice(0, LONGEST_DID);

/** What fits no filter is left out: an address that somebody changed by hand is no error. */
const given = <T extends z.ZodType>(of: T) =>
  z.preprocess((value) => (value === "" ? undefined : value), of.optional().catch(undefined));
const name = given(z.string().trim().toLowerCase().max(253));
const Asked = z.object({
  from: name,
  to: name,
  provider: given(z.string().max(60)),
  credential: given(z.string().max(100)),
  stream: given(z.enum(STREAMS)),
  state: given(z.enum(RECIPIENT_STATES)),
  since: given(z.iso.date()),
  until: given(z.iso.date()),
  before: given(z.coerce.number().int().positive()),
});
const Posted = z.object({
  address: z.string().trim().max(320).catch(""),
  before: given(z.coerce.number().int().positive()),
});
export type AskedMessages = z.infer<typeof Asked>;

/** The filter of what stands in an address. Days are those of UTC, both of them whole. */
function filterOf({ from, to, provider, credential, stream, state, since, until }: AskedMessages): LogFilter {
  return {
    ...(from !== undefined && { fromDomain: from }),
    ...(to !== undefined && { recipientDomain: to }),
    ...(provider !== undefined && { provider }),
    ...(credential !== undefined && { credential }),
    ...(stream !== undefined && { stream }),
    ...(state !== undefined && { states: [state] }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) + DAY_MS }),
  };
}

/** `/members/:did/messages`, one of them, `/delivery` and `/trace`. An address is asked for by a form, so that it stands in no log and no history. */
export function messageRoutes({
  messages,
  suppressions,
  publicUrl,
  answer,
  refuse,
  roleOf,
}: MessageRoutes): Hono {
  const app = new Hono();
  const at = "/members/:did";

  app.get(`${at}/messages`, async (c) => {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const asked = Asked.parse(c.req.query());
    const view = await messages.log(did, filterOf(asked), asked.before);
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "messages", view, asked, role: roleOf(c, did) });
  });

  app.get(`${at}/messages/:id{[a-z0-9]{1,64}}`, async (c) => {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = await messages.show(did, c.req.param("id"));
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "message", view, role: roleOf(c, did) });
  });

  app.get(`${at}/delivery`, async (c) => {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = messages.delivery(did);
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "delivery", view, role: roleOf(c, did) });
  });

  app.get(`${at}/trace`, (c) => trace(c, ""));
  app.post(
    `${at}/trace`,
    bodyLimit({ maxSize: MAX_BODY, onError: (c) => c.text("This is longer than any form here.", 413) }),
    async (c) => {
      const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
      if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
      const { address, before } = Posted.parse(await c.req.parseBody());
      return trace(c, address, before);
    },
  );
  return app;

  async function trace(c: Context, address: string, before?: number): Promise<Response> {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = await messages.log(did, address === "" ? null : { recipient: address }, before);
    if (view === null) return answer(c, { page: "not-found" }, 404);
    const suppressed = address === "" ? undefined : await suppressions?.find(address, did);
    return answer(c, { page: "trace", view, address, suppressed: suppressed ?? null, role: roleOf(c, did) });
  }
}
