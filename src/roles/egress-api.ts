import type { Hono } from "hono";
import { z } from "zod";
import type { Egress, EgressNotices } from "../egress/index.ts";
import type { Clock } from "../lib/clock.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";

const NOTICES = 20;

const words = (most: number) => z.string().trim().min(1).max(most);
const operation = z.strictObject({ address: words(45), by: words(200), why: words(1_000) });

/**
 * The addresses that this node's mail leaves from, for people: `GET /`, `POST /pause|resume`, with a short-lived token of
 * the committee. An operation names who does it and why.
 */
export function egressApi({
  egress,
  notices,
  clock,
  ...gate
}: CommitteeGate & { egress: Egress; notices: EgressNotices | undefined; clock: Clock }): Hono {
  const app = committeeApi(gate);

  app.get("/", (c) => {
    const now = clock.now();
    return c.json({ now, addresses: egress.status(now), notices: notices?.latest(NOTICES) ?? [] });
  });

  for (const [path, act] of [
    ["/pause", egress.hold],
    ["/resume", egress.release],
  ] as const) {
    app.post(path, async (c) => {
      const { address, by, why } = operation.parse(await c.req.json());
      if (act(address.toLowerCase(), why, by, clock.now())) return c.json({ address });
      const known = egress.status(clock.now()).map((one) => one.address || "the system's own choice");
      const message = `${address} is none of the egress addresses: ${known.join(", ")}`;
      return c.json({ error: "NotFound", message }, 404);
    });
  }
  return app;
}
