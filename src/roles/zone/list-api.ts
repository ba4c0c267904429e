import type { Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../../lib/iso-times.ts";
import { committeeApi, type CommitteeGate } from "../committee-api.ts";
import type { Zone } from "./index.ts";

const released = z.strictObject({ by: z.string().trim().min(1).max(200) });

/** The allowlist for who runs it: `GET /status`, `POST /release`, with a short-lived token of the committee. */
export function listApi({ zone, ...gate }: CommitteeGate & { zone: Zone }): Hono {
  const app = committeeApi(gate);
  const { publication, store } = zone;
  const status = () => {
    const { serial, issuedAt } = store.publication();
    return {
      zone: zone.place.zone,
      serial,
      issuedAt,
      goodAt: publication.goodAt(),
      entries: store.countListed(),
      waiting: publication.waiting(),
      labelers: zone.labelers(),
    };
  };

  app.get("/status", (c) => c.json(isoTimes(status())));

  app.post("/release", async (c) => {
    const { by } = released.parse(await c.req.json());
    const waited = publication.waiting();
    publication.release();
    const outcome = await publication.publish();
    gate.log.warn({ by, waited, ...outcome }, "entries that waited were let into the allowlist");
    return c.json(isoTimes({ released: waited, published: outcome, ...status() }));
  });

  return app;
}
