import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import type { Logger } from "../platform/log.ts";
import { applicationsApi } from "./admin/applications.ts";
import { credentialsApi } from "./admin/credentials.ts";
import { did } from "./admin/fields.ts";
import { membersApi } from "./admin/members.ts";
import { pausesApi } from "./admin/pauses.ts";
import { rotationApi } from "./admin/rotation.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import type { SubmissionPoint } from "./pds-environment.ts";

export type AdminApiOptions = {
  core: Core;
  labeler: Labeler | undefined;
  /** Where members submit. */
  submission: () => SubmissionPoint;
  /** Whether the bearer token is the committee's. */
  mayAct: (token: string | undefined) => boolean;
  log: Logger;
};

const MAX_BODY = 64 * 1024;

const hint = z.strictObject({ did, collection: z.string().max(300), rkey: z.string().max(512) });

/** What the command line asks of a running `atmos serve`: `/api/*`, JSON, with a short-lived token of the committee. */
export function adminApi({ core, labeler, submission, mayAct, log }: AdminApiOptions): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (c) => c.json({ error: "PayloadTooLarge", message: "The body is over 64 KiB" }, 413),
    }),
  );
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

  app.route("/members/:did/credentials", credentialsApi(core, submission));
  app.route("/members/:did", pausesApi(core));
  app.route("/members", membersApi(core));
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
