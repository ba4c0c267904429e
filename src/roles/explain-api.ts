import { Hono } from "hono";
import { cors } from "hono/cors";
import { isoTimes } from "../lib/iso-times.ts";
import { explainLabels, type ExplainParts } from "./queries/label.ts";

const LONGEST_SUBJECT = 3_000;

/** `/labels/*` as JSON, for whoever accepts that and no HTML; the page of the same address is the web's. */
export function explainApi(parts: ExplainParts): Hono {
  const app = new Hono();
  app.get("/labels/:subject{.+}", cors(), async (c, next) => {
    const accepted = c.req.header("accept") ?? "";
    c.header("vary", "accept", { append: true });
    if (!accepted.includes("application/json") || accepted.includes("text/html")) return next();
    const subject = c.req.param("subject");
    const found = subject.length > LONGEST_SUBJECT ? null : explainLabels(parts, subject, c.req.query("val"));
    if (found) return c.json(isoTimes(found));
    return c.json(
      { error: "InvalidRequest", message: "Ask for a DID, an AT URI with a DID, or a domain" },
      400,
    );
  });
  return app;
}
