import type { Hono } from "hono";
import { z } from "zod";
import { applicationsApi } from "./admin/applications.ts";
import { credentialsApi } from "./admin/credentials.ts";
import { did } from "./admin/fields.ts";
import { membersApi } from "./admin/members.ts";
import { peopleApi } from "./admin/people.ts";
import { exportApi } from "./admin/export.ts";
import { proofApi } from "./admin/proof.ts";
import { nodesApi } from "./admin/nodes.ts";
import { pausesApi } from "./admin/pauses.ts";
import { rotationApi } from "./admin/rotation.ts";
import { tokensApi } from "./admin/tokens.ts";
import { webhookApi } from "./admin/webhook.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import type { ExportDesk } from "./member-export.ts";
import type { ProofDesk } from "./member-proof.ts";
import type { PeopleDesk } from "./people-desk.ts";
import type { TokenDesk } from "./token-desk.ts";
import type { SubmissionPoint } from "./pds-environment.ts";

export type AdminApiOptions = CommitteeGate & {
  core: Core;
  people: PeopleDesk;
  tokens: TokenDesk;
  proofs: ProofDesk;
  exports: ExportDesk;
  labeler: Labeler | undefined;
  /** Where members submit. */
  submission: () => SubmissionPoint;
};

const hint = z.strictObject({ did, collection: z.string().max(300), rkey: z.string().max(512) });

/** What the command line asks of a running `atmos serve`: `/api/*`, JSON, with a short-lived token of the committee. */
export function adminApi({
  core,
  people,
  tokens,
  proofs,
  exports,
  labeler,
  submission,
  ...gate
}: AdminApiOptions): Hono {
  const app = committeeApi(gate);

  app.route("/members/:did/credentials", credentialsApi(core, submission));
  app.route("/members/:did", pausesApi(core));
  app.route("/members/:did", webhookApi(core));
  app.route("/members/:did", peopleApi(people));
  app.route("/members/:did", tokensApi(tokens));
  app.route("/members/:did", proofApi(proofs));
  app.route("/members/:did", exportApi(exports, gate.log));
  app.route("/members", membersApi(core));
  app.route("/nodes", nodesApi(core.pool));
  app.route("/applications", applicationsApi(core));
  app.route("/domains/:domain/rotation", rotationApi(core));

  app.post("/hints", async (c) => {
    const body = hint.parse(await c.req.json());
    if (!labeler)
      return c.json({ error: "NotHere", message: "The labeler role does not run in this process" }, 400);
    const { outcome, detail } = await labeler.attestations.intake(body);
    return c.json({ outcome, detail });
  });

  return app;
}
