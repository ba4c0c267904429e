import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Child } from "hono/jsx";
import { secureHeaders } from "hono/secure-headers";
import { z } from "zod";
import { Badge, Breadcrumb, DataTable, EmptyState, layout, Section } from "../../web/index.ts";
import { isOwnRequest } from "../own-request.ts";
import type { DnsHost, HostedZone } from "./host.ts";
import { KEPT_TYPES, parseZoneLines, recordFrom, type ZoneFault } from "./zone-lines.ts";

export type DnsPageOptions = {
  host: DnsHost;
  /** Path at which the pages are mounted, such as `/dns`. */
  base: string;
  brand: { text: string; href: string };
  nav: { text: string; href: string }[];
};

const MAX_BODY = 256 * 1024;

const form = z.discriminatedUnion("action", [
  z.object({ action: z.literal("paste"), lines: z.string().max(100_000) }),
  z.object({
    action: z.literal("add"),
    name: z.string().max(300),
    type: z.enum(KEPT_TYPES),
    value: z.string().max(5_000),
  }),
  z.object({ action: z.literal("remove"), line: z.string().max(10_000) }),
  z.object({ action: z.literal("fail"), failing: z.enum(["yes", "no"]) }),
]);

/** What was typed and not taken, and why. */
type Refused = { faults: readonly ZoneFault[]; lines?: string };

/** The pages on which owners of domains keep their records: `/`, `/:zone`. Work without scripts. */
export function dnsPages({ host, base, brand, nav }: DnsPageOptions): Hono {
  const app = new Hono();
  const page = (title: string, children: Child) =>
    layout({
      title,
      brand,
      nav: nav.map((item) => ({ ...item, current: item.href === base })),
      footer: <p>The DNS host of the sandbox's domains. What is written here is answered at once.</p>,
      children,
    });

  app.use(
    secureHeaders({
      // Without a referrer a browser names no origin when it sends a form over plain HTTP.
      referrerPolicy: "same-origin",
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        fontSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    }),
  );
  app.use(bodyLimit({ maxSize: MAX_BODY }));
  app.post("*", async (c, next) => {
    if (!isOwnRequest(c)) return c.text("This was not sent from this page.", 403);
    return next();
  });

  app.get("/", (c) => c.html(page("DNS host", <ZoneList zones={host.zones()} base={base} />)));
  app.post("/", async (c) => {
    const { name } = await c.req.parseBody();
    const made = host.register(typeof name === "string" ? name : "");
    if (made.ok) return c.redirect(`${base}/${made.zone}`, 303);
    return c.html(page("DNS host", <ZoneList zones={host.zones()} base={base} refused={made.why} />), 400);
  });
  app.get("/:zone", (c) => show(c));
  app.post("/:zone", async (c) => {
    const zone = c.req.param("zone");
    if (!host.zone(zone)) return show(c);
    const fields = form.safeParse(await c.req.parseBody());
    if (!fields.success) return show(c, { faults: [{ line: 0, why: "the form is not whole" }] });
    const refused = act(zone, fields.data);
    return refused ? show(c, refused) : c.redirect(`${base}/${zone}`, 303);
  });

  function show(c: Context, refused?: Refused) {
    const zone = host.zone(c.req.param("zone") ?? "");
    if (zone) return c.html(page(zone.name, <ZonePage {...{ zone, base, refused }} />), refused ? 400 : 200);
    return c.html(page("Not found", <EmptyState title="There is no such zone here" />), 404);
  }

  function act(zone: string, fields: z.infer<typeof form>): Refused | undefined {
    switch (fields.action) {
      case "paste": {
        const read = parseZoneLines(fields.lines, zone);
        const done = read.ok ? host.add(zone, read.records) : read;
        return done.ok ? undefined : { faults: done.faults, lines: fields.lines };
      }
      case "add": {
        const record = recordFrom(fields, zone);
        if (typeof record === "string") return { faults: [{ line: 0, why: record }] };
        const done = host.add(zone, [record]);
        return done.ok ? undefined : { faults: done.faults.map(({ why }) => ({ line: 0, why })) };
      }
      case "remove":
        host.remove(zone, fields.line);
        return undefined;
      case "fail":
        host.fail(zone, fields.failing === "yes");
        return undefined;
    }
  }

  return app;
}

function ZoneList(props: { zones: readonly HostedZone[]; base: string; refused?: string }) {
  return (
    <>
      <div class="page-head">
        <h1>Your DNS host</h1>
        <p class="lede">
          Whoever owns a domain publishes its records here: those of newcomers who are to join, and of any
          other name below <code>.test</code> that you take.
        </p>
        {props.refused ? (
          <p role="alert">
            <Badge tone="bad">{props.refused}</Badge>
          </p>
        ) : null}
        <form method="post" action={props.base}>
          <label for="name">A domain of your own</label>{" "}
          <input id="name" name="name" required placeholder="poppy.test" autocomplete="off" />{" "}
          <button type="submit">Take it</button>
        </form>
      </div>
      <DataTable
        caption={`${props.zones.length} zones`}
        columns={["Zone", "Records", "State"].map((label) => ({ label }))}
        rows={props.zones.map(({ name, records, failing }) => ({
          key: name,
          cells: [
            <a href={`${props.base}/${name}`}>{name}</a>,
            String(records.length),
            failing ? <Badge tone="bad">does not answer</Badge> : <Badge tone="ok">answers</Badge>,
          ],
        }))}
      />
    </>
  );
}

function ZonePage(props: { zone: HostedZone; base: string; refused?: Refused | undefined }) {
  const { zone, base, refused } = props;
  const action = `${base}/${zone.name}`;
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={[{ href: base, text: "DNS host" }]} current={zone.name} />
        <h1>{zone.name}</h1>
        {refused ? (
          <div role="alert">
            <p>
              <Badge tone="bad">Nothing was changed</Badge>
            </p>
            <ul>
              {refused.faults.map(({ line, why }) => (
                <li>{line > 0 ? `Line ${line}: ${why}` : why}</li>
              ))}
            </ul>
          </div>
        ) : null}
      </div>
      <Section id="records" title="Records">
        {zone.records.length === 0 ? (
          <EmptyState title="The zone is empty">
            <p>It has its SOA and NS, and nothing else.</p>
          </EmptyState>
        ) : (
          <DataTable
            caption={`${zone.records.length} records`}
            columns={[{ label: "Name" }, { label: "Type" }, { label: "Value" }, { label: "", plain: true }]}
            rows={zone.records.map((line) => ({ key: line, cells: recordCells(line, action) }))}
          />
        )}
      </Section>
      <Section
        id="paste"
        title="Paste records"
        intro="Lines of a zone file. All are taken, or none. A second record of a type stands beside the first: remove what is to go."
      >
        <form method="post" action={action}>
          <input type="hidden" name="action" value="paste" />
          <label for="lines">Lines</label>
          <textarea
            id="lines"
            name="lines"
            rows={8}
            cols={80}
            required
            spellcheck={false}
            placeholder={`_dmarc.${zone.name}. TXT "v=DMARC1; p=quarantine"`}
          >
            {refused?.lines ?? ""}
          </textarea>
          <button type="submit">Publish</button>
        </form>
      </Section>
      <Section id="add" title="Type one record">
        <form method="post" action={action}>
          <input type="hidden" name="action" value="add" />
          <label for="record-name">Name</label>
          <input id="record-name" name="name" placeholder="@ for the domain itself" autocomplete="off" />
          <label for="record-type">Type</label>
          <select id="record-type" name="type">
            {KEPT_TYPES.map((type) => (
              <option value={type} selected={type === "TXT"}>
                {type}
              </option>
            ))}
          </select>
          <label for="record-value">Value</label>
          <input id="record-value" name="value" required autocomplete="off" />
          <button type="submit">Publish</button>
        </form>
      </Section>
      <Section
        id="fail"
        title="When it does not answer"
        intro="While the servers of a zone fail, a resolver says SERVFAIL: nobody knows what stands there."
      >
        <form method="post" action={action}>
          <input type="hidden" name="action" value="fail" />
          <button type="submit" name="failing" value={zone.failing ? "no" : "yes"}>
            {zone.failing ? "Answer again" : "Stop answering"}
          </button>
        </form>
      </Section>
    </>
  );
}

function recordCells(line: string, action: string): Child[] {
  const [name = "", type = ""] = line.split(" ", 2);
  return [
    <code>{name}</code>,
    type,
    <code>{line.slice(name.length + type.length + 2)}</code>,
    <form method="post" action={action}>
      <input type="hidden" name="action" value="remove" />
      <input type="hidden" name="line" value={line} />
      <button type="submit" aria-label={`Remove ${name} ${type}`}>
        Remove
      </button>
    </form>,
  ];
}
