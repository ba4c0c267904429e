import type { Hono } from "hono";
import { z } from "zod";
import { systemClock, type Clock } from "../lib/clock.ts";
import { isoTimes } from "../lib/iso-times.ts";
import { CONNECTED, gaps, PROVIDERS, type Looked, type Secret } from "../provider-data/index.ts";
import { by } from "./admin/fields.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { ProviderDesk } from "./provider-data.ts";

const SHOWN_DAYS = 30;
/** The command line waits half a minute; a first look at many domains may take longer, and goes on by itself. */
const PATIENCE_MS = 20_000;
const GOES_ON: Looked = {
  ok: true,
  changed: 0,
  subjects: 0,
  faults: ["this look takes longer and goes on: atmos provider list says what came of it"],
};
const provider = z.enum(CONNECTED);
const text = (most: number) => z.string().trim().min(1).max(most);
const grant = z.strictObject({
  clientId: text(300),
  clientSecret: text(300).optional(),
  refreshToken: text(8_000),
});
const connecting = z.union([
  z.strictObject({ provider, grant, by }),
  z.strictObject({
    provider: z.literal("microsoft"),
    link: z.url({ protocol: /^https?$/ }).max(2_000),
    by,
  }),
]);
const naming = z.strictObject({ provider });

/**
 * Provider data for people, with a short-lived token of the committee: `GET /`, `GET /figures/<provider>`,
 * `POST /connect|fetch|disconnect`. What was stored of a login never leaves.
 */
export function providerDataApi({
  desk,
  clock,
  patienceMs = PATIENCE_MS,
  ...gate
}: CommitteeGate & { desk: ProviderDesk; clock: Clock; patienceMs?: number }): Hono {
  const app = committeeApi(gate);
  const { store } = desk;
  const about = (name: z.infer<typeof provider>) => ({
    connection: store.connection(name) ?? null,
    subjects: store.subjects().filter((one) => one.provider === name),
  });
  const answer = (looked: Looked, name: z.infer<typeof provider>) =>
    isoTimes({ now: clock.now(), looked, ...about(name) });

  async function soon(work: Promise<Looked>): Promise<Looked> {
    const done = new AbortController();
    const wait = systemClock.sleep(patienceMs, done.signal).then(() => GOES_ON);
    return Promise.race([work, wait]).finally(() => done.abort());
  }

  app.get("/", (c) =>
    c.json(
      isoTimes({
        now: clock.now(),
        providers: CONNECTED.map((name) => ({ provider: name, ...about(name) })),
      }),
    ),
  );

  app.get("/figures/:provider", (c) => {
    const name = z.enum(PROVIDERS).parse(c.req.param("provider"));
    const days = desk.lastDays(SHOWN_DAYS);
    const [from, to] = [days[0]!, days.at(-1)!];
    const subjects = store
      .subjects()
      .filter((one) => one.provider === name)
      .map((one) => {
        const rows = store.days(one, from, to);
        return {
          ...one,
          gaps: gaps(rows, from, to),
          days: rows.map(({ day, figures, revision, at }) => ({ day, figures, revision, at })),
        };
      });
    return c.json(isoTimes({ now: clock.now(), provider: name, from, to, subjects }));
  });

  app.post("/connect", async (c) => {
    const body = connecting.parse(await c.req.json());
    const secret: Secret =
      "link" in body
        ? { way: "link", url: body.link }
        : { way: "oauth", grant: { ...body.grant, clientSecret: body.grant.clientSecret } };
    const looked = await soon(desk.connect(body.provider, secret, body.by));
    gate.log.info({ provider: body.provider, by: body.by, ok: looked.ok }, "a provider was connected");
    return c.json(answer(looked, body.provider));
  });

  app.post("/fetch", async (c) => {
    const { provider: name } = naming.parse(await c.req.json());
    if (!store.connection(name))
      return c.json(
        { error: "NotConnected", message: `${name} is not connected: atmos provider connect ${name}` },
        404,
      );
    return c.json(answer(await soon(desk.fetch(name)), name));
  });

  app.post("/disconnect", async (c) => {
    const { provider: name } = naming.parse(await c.req.json());
    if (!store.disconnect(name))
      return c.json({ error: "NotConnected", message: `${name} is not connected` }, 404);
    gate.log.info({ provider: name }, "a provider was disconnected");
    return c.json({ disconnected: name });
  });

  return app;
}
