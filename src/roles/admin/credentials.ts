import { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../../lib/iso-times.ts";
import type { Core } from "../core/index.ts";
import {
  envLines,
  pdsEnvironment,
  type EnvironmentOptions,
  type SubmissionPoint,
} from "../pds-environment.ts";
import { by, cap, domain, environmentOptions, streams } from "./fields.ts";
import { refused } from "./refusal.ts";

const newCredential = z.strictObject({
  domains: z.array(domain).min(1).max(50),
  name: z.string().trim().min(1).max(60).default("pds"),
  streams: streams.optional(),
  hourly: cap.default(null),
  daily: cap.default(null),
  environment: environmentOptions.default({}),
});
const revocation = z.strictObject({ by });
const known = z.strictObject({
  secret: z.string().max(200),
  domain: domain.optional(),
  environment: environmentOptions.default({}),
});

const didOf = (path: string | undefined) => path ?? "";

/** `/members/:did/credentials`: made, shown without their secrets, revoked. */
export function credentialsApi(core: Core, submission: () => SubmissionPoint): Hono {
  const app = new Hono();
  const block = (
    made: { username: string; secret: string },
    of: string,
    options: z.infer<typeof environmentOptions>,
  ) => pdsEnvironment(submission(), made, of, options as EnvironmentOptions);

  app.get("/", (c) =>
    c.json(isoTimes({ credentials: core.members.credentialsOf(didOf(c.req.param("did"))) })),
  );

  app.post("/", async (c) => {
    const body = newCredential.parse(await c.req.json());
    // Said before a credential is made of it.
    const fault = block({ username: "x", secret: "x" }, body.domains[0]!, body.environment);
    if (typeof fault === "string") return c.json({ error: "InvalidRequest", message: fault }, 400);
    const { domains, name, hourly, daily } = body;
    const made = core.members.createCredential(didOf(c.req.param("did")), domains, {
      name,
      hourly,
      daily,
      ...(body.streams && { streams: body.streams }),
    });
    if ("error" in made) return refused(c, made);
    await core.told();
    const environment = block(made, domains[0]!, body.environment);
    if (typeof environment === "string")
      return c.json({ error: "InvalidRequest", message: environment }, 400);
    return c.json({ ...made, environment, lines: envLines(environment) });
  });

  app.post("/:id/environment", async (c) => {
    const body = known.parse(await c.req.json());
    const id = c.req.param("id");
    const credential = core.members
      .credentialsOf(didOf(c.req.param("did")))
      .find((one) => one.id === id && one.revoked === null);
    if (!credential) return refused(c, { error: "credential-not-in-use", credential: id });
    if (!core.members.isSecretOf(id, body.secret))
      return c.json({ error: "WrongSecret", message: `That is not the secret of "${credential.name}"` }, 409);
    const of = body.domain ?? credential.domains[0]!;
    if (!credential.domains.includes(of)) return refused(c, { error: "domain-not-held", domain: of });
    const environment = block({ username: credential.username, secret: body.secret }, of, body.environment);
    if (typeof environment === "string")
      return c.json({ error: "InvalidRequest", message: environment }, 400);
    return c.json({ id, name: credential.name, environment, lines: envLines(environment) });
  });

  app.post("/:id/revoke", async (c) => {
    const id = c.req.param("id");
    const body = revocation.parse(await c.req.json());
    if (!core.members.revokeCredential(didOf(c.req.param("did")), id, body.by))
      return refused(c, { error: "credential-not-in-use", credential: id });
    await core.told();
    return c.json({ revoked: true });
  });

  return app;
}
