import type { Hono } from "hono";
import { z } from "zod";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import { isoTimes } from "../lib/iso-times.ts";
import type { Database } from "../platform/database.ts";
import type { RuleStore } from "../rules/index.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { OspreyDesk } from "./core/osprey-desk.ts";
import { createRulesDesk } from "./rules-desk.ts";

const COUNTED_DAYS = 30;
const MOST_OF_PAGE = 500;
const page = z.object({
  after: z.coerce.number().int().min(0).default(0),
  since: z.coerce.number().int().default(0),
});
const actionId = z.string().regex(/^\d{1,40}$/, {
  error: ({ input }) =>
    `"${String(input).slice(0, 100)}" is not the id of an action: that is a number, which atmos case show and atmos member show give`,
});

/**
 * The rules of the running core, for people: `GET /status`, `GET /list`, `POST /reload`, `GET /actions/:id`, and pages of
 * the log and of verdicts for a replay, with a short-lived token of the committee.
 */
export function rulesApi({
  store,
  db,
  clock,
  osprey,
  ...gate
}: CommitteeGate & {
  store: RuleStore;
  db: Database;
  clock: Clock;
  /** Undefined: its workers are not asked. */
  osprey: Pick<OspreyDesk, "status" | "differences"> | undefined;
}): Hono {
  const app = committeeApi(gate);
  const desk = createRulesDesk(db);

  app.get("/status", (c) =>
    c.json(isoTimes({ now: clock.now(), ...store.status(), osprey: osprey?.status() ?? null })),
  );

  app.get("/differences", (c) =>
    osprey
      ? c.json(isoTimes({ differences: osprey.differences(MOST_OF_PAGE) }))
      : c.json(
          { error: "NotAsked", message: "Osprey's workers are not asked: ATMOS_RULES_ENGINE is embedded" },
          400,
        ),
  );

  app.get("/list", (c) => {
    const counts = new Map(desk.counts(clock.now() - COUNTED_DAYS * DAY_MS).map((one) => [one.rule, one]));
    const { hash, shadow } = store.status();
    const rules = store.rules().map(({ name, file, line, description }) => {
      const { fired = 0, members = 0, lastAt = null } = counts.get(name) ?? {};
      return { name, file, line, description, shadow: store.isInShadow(name), fired, members, lastAt };
    });
    return c.json(isoTimes({ now: clock.now(), days: COUNTED_DAYS, hash, shadow, rules }));
  });

  app.post("/reload", async (c) => c.json(isoTimes({ ...(await store.reload()), status: store.status() })));

  app.get("/actions/:id", (c) => {
    const explained = desk.explain(actionId.parse(c.req.param("id")));
    if (explained) return c.json(explained);
    return c.json(
      {
        error: "NotFound",
        message:
          "No such event is kept: no rule can hold for its action, it is older than 30 days and no rule fired, or there is none",
      },
      404,
    );
  });

  app.get("/history", (c) => c.json(desk.history(page.parse(c.req.query()).after, MOST_OF_PAGE)));

  app.get("/verdicts", (c) => {
    const { after, since } = page.parse(c.req.query());
    return c.json(desk.verdicts(after, since, MOST_OF_PAGE));
  });

  return app;
}
