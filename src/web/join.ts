import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import type { JoinPages, JoinResult } from "./join-view.ts";
import { JOIN_PATH, loginPath } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import { homeOf, isOwnRequest, type Identity } from "./session.ts";

type JoinRoutes = {
  join: JoinPages;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 409) => Promise<Response>;
  /** Sends the browser to the person's own server, to agree that the record is written. */
  attest: (
    c: Context,
    ask: { did: string; rkey: string; record: Record<string, unknown> },
  ) => Promise<Response>;
};

const MAX_BODY = 32 * 1024;
const text = (most: number) => z.string().trim().max(most);

const ApplyForm = z.object({
  domain: text(300).min(1),
  name: text(100).min(1),
  contact: text(320).min(3),
  daily: z
    .union([z.literal("").transform(() => null), z.coerce.number().int().min(1).max(1_000_000)])
    .default(null),
  pds: text(253).default(""),
  purpose: text(2_000).default(""),
  words: text(2_000).default(""),
  rules: text(64).min(1, "Accept the rules to apply."),
});
const DomainForm = z.object({ domain: text(300).min(1) });
const CredentialForm = z.object({ name: text(64).min(1).default("pds") });

/** `/join`: from an account to the first credential. */
export function joinRoutes({ join, publicUrl, identityOf, answer, attest }: JoinRoutes): Hono {
  const app = new Hono();
  const notDone = (c: Context, why: string, status: 400 | 409 = 409) =>
    answer(c, { page: "not-done", why, back: JOIN_PATH }, status);

  /** Whoever is logged in with an account; the committee has no account here. */
  function didOf(c: Context): string | Response {
    const identity = identityOf(c);
    if (identity === null) return c.redirect(loginPath(JOIN_PATH), 303);
    return identity.role === "committee" ? c.redirect(homeOf(identity), 303) : identity.did;
  }

  app.get(JOIN_PATH, async (c) => {
    const did = didOf(c);
    if (typeof did !== "string") return did;
    const asked = c.req.query("domain")?.slice(0, 300);
    const view = await join.view(did, asked);
    return "refused" in view ? notDone(c, view.refused, 400) : answer(c, { page: "join", view });
  });

  app.use(`${JOIN_PATH}/*`, bodyLimit({ maxSize: MAX_BODY, onError: tooLong }));

  /** From our own page only, by whoever is logged in, well filled in. */
  function form<S extends z.ZodType>(
    schema: S,
    act: (c: Context, did: string, fields: z.infer<S>) => Promise<Response | JoinResult>,
  ) {
    return async (c: Context) => {
      const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
      if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
      const did = didOf(c);
      if (typeof did !== "string") return did;
      const fields = schema.safeParse(await c.req.parseBody());
      if (!fields.success) return notDone(c, faultsOf(fields.error), 400);
      const result = await act(c, did, fields.data);
      if (result instanceof Response) return result;
      return "refused" in result ? notDone(c, result.refused) : c.redirect(JOIN_PATH, 303);
    };
  }

  app.post(
    `${JOIN_PATH}/application`,
    form(ApplyForm, (_, did, fields) => join.apply(did, fields)),
  );
  app.post(
    `${JOIN_PATH}/domains`,
    form(DomainForm, (_, did, { domain }) => join.addDomain(did, domain)),
  );
  app.post(
    `${JOIN_PATH}/attestation`,
    form(DomainForm, async (c, did, { domain }) => {
      const wanted = await join.attestation(did, domain);
      return "refused" in wanted ? wanted : attest(c, { did, ...wanted });
    }),
  );
  app.post(
    `${JOIN_PATH}/attested`,
    form(DomainForm, async (_, did, { domain }) => {
      await join.attested(did, domain);
      return { done: true };
    }),
  );
  app.post(
    `${JOIN_PATH}/credential`,
    form(CredentialForm, async (c, did, { name }) => {
      const made = await join.makeCredential(did, name);
      return "refused" in made ? made : answer(c, { page: "first-credential", credential: made.credential });
    }),
  );
  return app;
}

/** What is wrong with a form, field by field. */
function faultsOf(error: z.ZodError): string {
  const faults = error.issues.map(({ path, message }) =>
    message.endsWith(".") ? message : `${String(path[0])}: ${message}`,
  );
  return `The form was not filled in as it should be. ${[...new Set(faults)].join("; ")}`;
}

function tooLong(c: Context): Response {
  return c.text("This is longer than any form here.", 413);
}
