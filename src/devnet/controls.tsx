import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { DataTable, layout, Section, Time } from "../web/index.ts";

export type ControlOptions = {
  now(): number;
  /** Moves the clock on by so many ms; resolves when all has come to rest. */
  advance(ms: number): Promise<void>;
  /** Mail hosts of the provider, and whether each refuses everybody. */
  hosts(): { mx: string; domains: readonly string[]; erring: boolean }[];
  err(mx: string, erring: boolean): void;
  /** Whose mailbox it is calls a message spam. False: it is not there. */
  complain(id: number): boolean;
  home: { text: string; href: string };
  nav: { text: string; href: string }[];
};

export const BY_HAND_PATH = "/by-hand";

const HOUR_MS = 3_600_000;
const STEPS: readonly (readonly [hours: number, words: string])[] = [
  [1, "1 hour"],
  [24, "1 day"],
  [7 * 24, "7 days"],
  [14 * 24 + 1, "14 days and an hour"],
];
const MOST_HOURS = 60 * 24;
const MOST_BYTES = 10_000;

const ClockForm = z.object({ hours: z.coerce.number().gt(0).max(MOST_HOURS) });
const HostForm = z.object({ mx: z.string().max(253), refuses: z.enum(["everybody", "nobody"]) });

/** What somebody can do to the world outside by hand: `GET /by-hand`, `POST /clock`, `/hosts`, `/messages/:id/spam`. */
export function controls(options: ControlOptions): Hono {
  const app = new Hono();
  const page = (c: Context) => c.html(<ControlsPage {...options} />);

  app.use(bodyLimit({ maxSize: MOST_BYTES }));
  app.get(BY_HAND_PATH, page);
  app.post("/clock", onlyOurs, async (c) => {
    const form = ClockForm.safeParse(await c.req.parseBody());
    if (!form.success) return c.text(`hours is a number above 0, and ${MOST_HOURS} at most.\n`, 400);
    await options.advance(Math.round(form.data.hours * HOUR_MS));
    c.header("location", BY_HAND_PATH);
    return c.text(`The clock stands at ${new Date(options.now()).toISOString()}.\n`, 303);
  });
  app.post("/hosts", onlyOurs, async (c) => {
    const form = HostForm.safeParse(await c.req.parseBody());
    const known = options.hosts().map(({ mx }) => mx);
    if (!form.success || !known.includes(form.data.mx))
      return c.text(`mx is one of ${known.join(", ")}; refuses is everybody or nobody.\n`, 400);
    const { mx, refuses } = form.data;
    options.err(mx, refuses === "everybody");
    c.header("location", BY_HAND_PATH);
    return c.text(`${mx} refuses ${refuses === "everybody" ? "everybody" : "only whom it should"}.\n`, 303);
  });
  app.post("/messages/:id{[0-9]+}/spam", onlyOurs, (c) => {
    const id = Number(c.req.param("id"));
    if (!options.complain(id)) return c.text("There is no such message.\n", 404);
    c.header("location", `/messages/${id}`);
    return c.text("A complaint is on its way.\n", 303);
  });
  return app;
}

/** Browsers say from which page a form came; a command line says nothing, and may. */
const onlyOurs: MiddlewareHandler = async (c, next) => {
  const from = c.req.header("sec-fetch-site");
  if (from !== undefined && from !== "same-origin")
    return c.text("Only from the sandbox's own pages.\n", 403);
  return next();
};

function ControlsPage({ now, hosts, home, nav }: ControlOptions) {
  return layout({
    title: "By hand",
    brand: home,
    nav: nav.map((item) => ({ ...item, current: item.href === BY_HAND_PATH })),
    footer: <p>A sandbox. Nothing here left this machine.</p>,
    children: (
      <>
        <div class="page-head">
          <h1>The world outside, by hand</h1>
        </div>
        <Section id="clock" title="Clock">
          <p>
            It is <Time at={now()} />. Nobody sends anything in the time that is passed over; what waits for a
            time happens.
          </p>
          <form method="post" action="/clock" class="form">
            <p>
              {STEPS.map(([hours, words]) => (
                <>
                  <button type="submit" name="hours" value={String(hours)}>
                    {words}
                  </button>{" "}
                </>
              ))}
            </p>
          </form>
        </Section>
        <Section id="hosts" title="Mail hosts">
          <p>A host that errs refuses everybody as unknown (550 5.1.1), also people who are there.</p>
          <DataTable
            caption="Mail hosts of the provider"
            hideCaption
            columns={["Host", "Domains", "Now", "Change"].map((label) => ({ label }))}
            rows={hosts().map(({ mx, domains, erring }) => ({
              key: mx,
              cells: [
                mx,
                domains.join(", "),
                erring ? "refuses everybody" : "takes mail",
                <form method="post" action="/hosts">
                  <input type="hidden" name="mx" value={mx} />
                  <button type="submit" name="refuses" value={erring ? "nobody" : "everybody"}>
                    {erring ? "End it" : "Refuse all"}
                  </button>
                </form>,
              ],
            }))}
          />
        </Section>
      </>
    ),
  });
}
