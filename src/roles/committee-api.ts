import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import type { Logger } from "../platform/log.ts";
import { SpoolError } from "../spool/index.ts";
import { requestFault } from "./request-fault.ts";

export type CommitteeGate = {
  /** Whether the bearer token is the committee's. */
  mayAct: (token: string | undefined) => boolean;
  log: Logger;
  /** Octets of a request; default 64 KiB. */
  mostBody?: number;
};

const MAX_BODY = 64 * 1024;

/** An API for the command line: JSON, a short-lived token of the committee, and errors that say what is wrong. */
export function committeeApi({ mayAct, log, mostBody = MAX_BODY }: CommitteeGate): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: mostBody,
      onError: (c) =>
        c.json({ error: "PayloadTooLarge", message: `The body is over ${mostBody / 1024} KiB` }, 413),
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
      return c.json({ error: "InvalidRequest", message: requestFault(error) }, 400);
    }
    if (error instanceof SyntaxError)
      return c.json({ error: "InvalidRequest", message: "The body is not JSON" }, 400);
    log.error({ err: error, path: c.req.path }, "a request of the command line failed");
    if (error instanceof SpoolError)
      return c.json({ error: "SpoolUnavailable", message: `Nothing is certain: ${error.message}` }, 503);
    return c.json({ error: "InternalServerError", message: "It failed; the log says why" }, 500);
  });
  return app;
}
