import type { Hono } from "hono";
import { z } from "zod";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { MeasuresDesk } from "./measures-desk.ts";

const words = (most: number) => z.string().trim().min(1).max(most);
/** A provider may be the names of several hosts. */
const operation = z.strictObject({
  provider: words(2_000),
  subject: words(2_048),
  by: words(200),
  why: words(1_000),
});

/**
 * What replies of providers made this node do, for people: `GET /`, `POST /lift`, with a short-lived token of the committee.
 * An operation names who does it and why.
 */
export function measuresApi({ desk, ...gate }: CommitteeGate & { desk: MeasuresDesk }): Hono {
  const app = committeeApi(gate);

  app.get("/", (c) => c.json({ now: desk.now(), measures: desk.inForce(), lifted: desk.lifted() }));

  app.post("/lift", async (c) => {
    const { provider, subject, by, why } = operation.parse(await c.req.json());
    const lifted = await desk.lift(provider, subject, { by, why });
    if (lifted) return c.json(lifted);
    const known = desk.inForce().map((one) => `${one.provider} ${one.subject}`);
    const message =
      known.length === 0
        ? "No measure is in force."
        : `Nothing is in force of ${subject} at ${provider}. There is: ${known.slice(0, 20).join(", ")}`;
    return c.json({ error: "NotFound", message }, 404);
  });
  return app;
}
