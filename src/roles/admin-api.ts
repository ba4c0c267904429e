import { isValidDid } from "@atproto/syntax";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { normalizeDomain } from "../attestation/index.ts";
import type { MemberError } from "../member/index.ts";
import type { Logger } from "../platform/log.ts";
import { STANDINGS, TIERS } from "../policy/index.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import { pdsEnvironment, type SubmissionPoint } from "./pds-environment.ts";

export type AdminApiOptions = {
  core: Core;
  labeler: Labeler | undefined;
  /** Where members submit; undefined where this process is no relay and knows none. */
  submission: () => SubmissionPoint;
  /** Whether the bearer token is the committee's. */
  mayAct: (token: string | undefined) => boolean;
  log: Logger;
};

const MAX_BODY = 64 * 1024;

const did = z.string().refine((text) => isValidDid(text), "is not a DID");
const domain = z.string().transform((text, context) => {
  const name = normalizeDomain(text);
  if (name === undefined) context.addIssue({ code: "custom", message: `"${text}" is not a domain name` });
  return name ?? z.NEVER;
});
const newMember = z.strictObject({ did, name: z.string().min(1).max(100), tier: z.enum(TIERS).optional() });
const newDomain = z.strictObject({ domain });
const newCredential = z.strictObject({ domains: z.array(domain).min(1).max(50) });
const decision = z.strictObject({
  standing: z.enum(STANDINGS),
  reason: z.string().min(1).max(2_000),
  remedy: z.string().max(2_000).default(""),
});
const hint = z.strictObject({ did, collection: z.string().max(300), rkey: z.string().max(512) });

/** What the command line asks of a running `atmos serve`: `/api/*`, JSON, with a short-lived token of the committee. */
export function adminApi({ core, labeler, submission, mayAct, log }: AdminApiOptions): Hono {
  const app = new Hono();
  app.use(bodyLimit({ maxSize: MAX_BODY }));
  app.use(async (c, next) => {
    const token = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    if (mayAct(token)) return next();
    return c.json(
      { error: "AuthRequired", message: "This needs a token of the committee: use the command `atmos`." },
      401,
    );
  });
  app.onError((error, c) => {
    if (error instanceof z.ZodError) {
      const message = error.issues.map((i) => `${i.path.join(".") || "body"}: ${i.message}`).join("; ");
      return c.json({ error: "InvalidRequest", message }, 400);
    }
    if (error instanceof SyntaxError)
      return c.json({ error: "InvalidRequest", message: "The body is not JSON" }, 400);
    log.error({ err: error, path: c.req.path }, "a request of the command line failed");
    return c.json({ error: "InternalServerError", message: "It failed; the log says why" }, 500);
  });

  app.get("/members", (c) =>
    c.json({
      members: core.members.list().map((member) => ({
        did: member.did,
        name: member.name,
        tier: member.tier,
        joinedAt: new Date(member.joined_at).toISOString(),
        standing: core.standings.state(member.did).standing,
        domains: core.members.domainsOf(member.did).map(({ name, status, return_path }) => ({
          name,
          status,
          returnPath: return_path,
        })),
      })),
    }),
  );

  app.post("/members", async (c) => {
    const body = newMember.parse(await c.req.json());
    const joined = core.members.join(body.did, body.name, body.tier);
    if ("error" in joined) return c.json(refusal(joined), 409);
    return c.json({ did: joined.did, tier: joined.tier });
  });

  app.post("/members/:did/domains", async (c) => {
    const body = newDomain.parse(await c.req.json());
    const added = await core.members.addDomain(c.req.param("did"), body.domain);
    if ("error" in added) return c.json(refusal(added), 409);
    return c.json({
      domain: body.domain,
      records: added.records,
      dkim: added.keys.map(({ selector, algorithm, fingerprint }) => ({ selector, algorithm, fingerprint })),
    });
  });

  app.post("/members/:did/credentials", async (c) => {
    const body = newCredential.parse(await c.req.json());
    const made = core.members.createCredential(c.req.param("did"), body.domains);
    if ("error" in made) return c.json(refusal(made), 409);
    return c.json({ ...made, environment: pdsEnvironment(submission(), made, body.domains[0]!) });
  });

  app.post("/members/:did/credentials/:id/revoke", (c) => {
    const revoked = core.members.revokeCredential(c.req.param("did"), c.req.param("id"));
    return revoked
      ? c.json({ revoked })
      : c.json({ error: "NotFound", message: "No such credential is in use" }, 404);
  });

  app.post("/members/:did/standing", async (c) => {
    const body = decision.parse(await c.req.json());
    const subject = c.req.param("did");
    if (!core.members.get(subject)) return c.json(refusal({ error: "not-a-member", did: subject }), 404);
    const change = await core.decide(subject, body.standing, body.reason, body.remedy);
    return c.json({ from: change.from, to: change.to });
  });

  app.post("/hints", async (c) => {
    const body = hint.parse(await c.req.json());
    if (!labeler)
      return c.json({ error: "NotHere", message: "The labeler role does not run in this process" }, 400);
    const { outcome, detail } = await labeler.attestations.intake(body);
    return c.json({ outcome, detail });
  });

  return app;
}

function refusal(error: MemberError): { error: string; message: string } {
  switch (error.error) {
    case "not-a-member":
      return {
        error: "NotAMember",
        message: `${error.did} is not a member; add it first: atmos member add ${error.did}`,
      };
    case "already-a-member":
      return { error: "AlreadyAMember", message: `${error.did} is a member already` };
    case "domain-taken":
      return { error: "DomainTaken", message: `${error.domain} belongs to a member already` };
    case "domain-overlaps":
      return {
        error: "DomainOverlaps",
        message: `${error.domain} cannot be added: ${error.other} belongs to another member, and one of the two lies within the other`,
      };
    case "domain-not-held":
      return {
        error: "DomainNotHeld",
        message: `The member does not hold "${error.domain}"; add it first: atmos member domain`,
      };
  }
}
