import { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../../lib/iso-times.ts";
import type { PoolDesk } from "../core/pool-desk.ts";
import { by } from "./fields.ts";

const order = z.strictObject({ by });

/** `/nodes`: the relay nodes of the pool. Absent `desk`: this is a single host. */
export function nodesApi(desk: PoolDesk | undefined): Hono {
  const app = new Hono();

  app.get("/", (c) => (desk ? c.json(isoTimes({ nodes: desk.list() })) : c.json(...SINGLE_HOST)));
  app.post("/:node/:action{drain|serve}", async (c) => {
    const { by: who } = order.parse(await c.req.json());
    if (!desk) return c.json(...SINGLE_HOST);
    const { node, action } = c.req.param();
    const known = await desk.command(node, action as "drain" | "serve", who);
    if (known) return c.json({ node, action });
    const names = desk.list().map((one) => one.node);
    const message = `There is no node ${node.slice(0, 64)}; heard were: ${names.join(", ") || "none yet"}`;
    return c.json({ error: "NoSuchNode", message }, 404);
  });
  return app;
}

const SINGLE_HOST = [
  { error: "SingleHost", message: "All roles are one process here: ATMOS_KAFKA_BROKERS names no brokers." },
  400,
] as const;
