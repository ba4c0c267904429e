import { setImmediate } from "node:timers/promises";
import type { Hono } from "hono";
import { stream } from "hono/streaming";
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { isoTimes } from "../lib/iso-times.ts";
import { parseAddress } from "../relay/index.ts";
import {
  MOST_LINES,
  readSuppressions,
  SUPPRESSION_REASONS,
  SUPPRESSION_STREAMS,
  type ParsedLine,
  type Suppression,
} from "../suppression/index.ts";
import { by, did, reason as why } from "./admin/fields.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { Hashed, SuppressionDesk } from "./suppression-desk.ts";

export type SuppressionApiOptions = CommitteeGate & {
  desk: SuppressionDesk;
  /** Hashes an address. Absent in a process without the relay role, which has no key for it. */
  keyOf: ((address: string) => string) | undefined;
  clock: Clock;
};

const LINES = "application/x-ndjson";
type Progress = { lookedAt: number; lines: number };

/** Lines that are hashed before others are answered. */
const AT_ONCE = 1_000;
const MOST_BODY = 16 * 1024 * 1024;
const DAY_MS = 86_400_000;
const scope = z.union([did, z.literal("pool")]);
const address = z.string().max(320);
const list = z.strictObject({
  of: scope.optional(),
  domain: z.string().max(253).toLowerCase().optional(),
  reason: z.enum(SUPPRESSION_REASONS).optional(),
  before: z.number().int().positive().optional(),
  limit: z.number().int().min(1).max(1_000).default(100),
});
const search = z.strictObject({ address, of: did.optional() });
const release = z
  .strictObject({
    id: z.number().int().positive().optional(),
    address: address.optional(),
    of: scope.optional(),
    by,
  })
  .refine(({ id, address: one }) => (id === undefined) !== (one === undefined), "name an id or an address");
const add = z.strictObject({
  address,
  of: scope,
  streams: z.enum(SUPPRESSION_STREAMS).default("all"),
  days: z.number().int().min(1).max(3_650).optional(),
  by,
});
const importing = z.strictObject({
  text: z.string(),
  /** Absent: each line says it itself, as those of our own export do. */
  of: scope.optional(),
  reason: z.enum(SUPPRESSION_REASONS).default("import"),
  skipBad: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  by,
});

const incident = z
  .strictObject({
    provider: z.string().trim().min(1).max(100).toLowerCase(),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    by,
    why,
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), "from must be before to");

const didOf = (of: z.infer<typeof scope>) => (of === "pool" ? null : of);

/** The list for people, with a short-lived token of the committee: `POST /list|search|release|add|import|export|undo-incident`. */
export function suppressionApi({ desk, keyOf, clock, ...gate }: SuppressionApiOptions): Hono {
  const app = committeeApi({ ...gate, mostBody: MOST_BODY });

  function hashed(text: string): Hashed | undefined {
    const parsed = parseAddress(text.trim());
    return parsed && keyOf ? { key: keyOf(parsed.address), domain: parsed.domain } : undefined;
  }
  const unknown = (text: string) =>
    keyOf
      ? { error: "InvalidRequest", message: `"${text.slice(0, 100)}" is not an address` }
      : {
          error: "NoRelay",
          message:
            "This process has no relay role, and so no key to hash addresses with. Run the command on the relay's host if core runs there too; else list by --domain, release by id, or look with GET /v1/suppressions?address= at the relay",
        };

  app.post("/list", async (c) => {
    const { of, domain, reason, before, limit } = list.parse(await c.req.json());
    const entries = desk.list({
      limit,
      ...(of !== undefined && { did: didOf(of) }),
      ...(domain !== undefined && { domain }),
      ...(reason !== undefined && { reason }),
      ...(before !== undefined && { before }),
    });
    const next = entries.length < limit ? null : entries.at(-1)!.id;
    return c.json(
      isoTimes({ now: clock.now(), entries: entries.map(suppressionShown), next, counts: desk.counts() }),
    );
  });

  app.post("/search", async (c) => {
    const { address: one, of } = search.parse(await c.req.json());
    const found = hashed(one);
    if (!found) return c.json(unknown(one), 400);
    return c.json(
      isoTimes({ now: clock.now(), ...found, entries: desk.about(found.key, of).map(suppressionShown) }),
    );
  });

  app.post("/release", async (c) => {
    const { id, address: one, of, by: who } = release.parse(await c.req.json());
    if (id !== undefined) {
      if (await desk.release(id, who)) return c.json({ released: 1 });
      return c.json({ error: "NotFound", message: `No entry ${id} is in force` }, 404);
    }
    const found = hashed(one!);
    if (!found) return c.json(unknown(one!), 400);
    const entries = desk
      .about(found.key)
      .filter((entry) => !entry.exempt && (of === undefined || entry.did === didOf(of)));
    for (const entry of entries) await desk.release(entry.id, who);
    if (entries.length > 0) return c.json({ released: entries.length });
    return c.json({ error: "NotFound", message: "Nothing is in force about this address there" }, 404);
  });

  app.post("/add", async (c) => {
    const { address: one, of, streams, days, by: who } = add.parse(await c.req.json());
    const found = hashed(one);
    if (!found) return c.json(unknown(one), 400);
    const expiresAt = days === undefined ? null : clock.now() + days * DAY_MS;
    const about = { did: didOf(of), streams, reason: "manual" as const, expiresAt, by: who };
    return c.json({ added: await desk.add(found, about), ...found });
  });

  /** What was asked, hashed; or why none of it can be. `goesOn`: see `takeIn`. */
  async function takeIn(asked: z.infer<typeof importing>, goesOn: (progress: Progress) => boolean) {
    const { text, of, reason, skipBad, dryRun, by: who } = asked;
    const reading = readSuppressions(text, clock.now(), reason);
    let step = reading.next();
    for (; !step.done; step = reading.next()) await setImmediate();
    const { format, lines, bad } = step.value;
    const taken: (ParsedLine & Hashed)[] = [];
    for (const [n, line] of lines.entries()) {
      if (n % AT_ONCE === AT_ONCE - 1) await setImmediate();
      const { key, domain = "" } = line;
      if (of === undefined && line.of === undefined) {
        bad.push({
          line: line.line,
          why: "it does not say whom it binds: import it for a member, or for the pool",
        });
        continue;
      }
      const found = key === undefined ? hashed(line.address!) : { key, domain };
      if (found) taken.push({ ...line, ...found });
      else if (!keyOf) return unknown("");
      else bad.push({ line: line.line, why: "it is not an address" });
    }
    bad.sort((a, b) => a.line - b.line);
    const stopped = bad.length > 0 && !skipBad;
    const { length } = taken;
    const isAsked = !stopped && !dryRun;
    let whole = true;
    const added = isAsked
      ? await desk.takeIn(taken, of, who, (n) => (whole = goesOn({ lookedAt: n, lines: length })))
      : 0;
    const done = isAsked && whole;
    if (isAsked) gate.log.info({ of, by: who, lines: length, added, whole }, "a list was imported");
    return { done, format, lines: length, added, bad, most: MOST_LINES };
  }

  /** One answer; or, for who accepts JSON lines, how far it is in lines before it, which keeps the connection alive. */
  app.post("/import", async (c) => {
    const asked = importing.parse(await c.req.json());
    if (c.req.header("accept") !== LINES) {
      const answer = await takeIn(asked, () => true);
      return "error" in answer ? c.json(answer, 400) : c.json(answer);
    }
    c.header("content-type", LINES);
    return stream(c, async (out) => {
      const tell = (what: object) => out.writeln(JSON.stringify(what));
      await tell({ lookedAt: 0 });
      const answer = await takeIn(asked, (progress) => {
        void tell(progress);
        return !out.aborted;
      }).catch((err: unknown) => {
        gate.log.error({ err }, "a list was not imported to its end");
        return {
          error: "InternalServerError",
          message: "It failed, part of it may be taken in; the log says why",
        };
      });
      await tell(answer);
    });
  });

  app.post("/undo-incident", async (c) => {
    const { provider, from, to, by: who, why: cause } = incident.parse(await c.req.json());
    const about = { provider, from: Date.parse(from), to: Date.parse(to) };
    const undone = await desk.undoIncident(about, `${who}: ${cause}`.slice(0, 200));
    gate.log.info({ ...about, by: who, why: cause, ...undone }, "an incident of a provider was undone");
    return c.json(undone);
  });

  /** Hashes with reasons: another node of the same pool takes them in, nobody else can read them. */
  app.post("/export", async (c) => {
    const { of, before } = list.pick({ of: true, before: true }).parse(await c.req.json());
    const entries = desk.list({
      limit: 1_000,
      ...(of !== undefined && { did: didOf(of) }),
      ...(before !== undefined && { before }),
    });
    return c.json(
      isoTimes({
        entries: entries.map(suppressionShown),
        next: entries.length < 1_000 ? null : entries.at(-1)!.id,
      }),
    );
  });

  return app;
}

/** An entry as the API tells it. */
export function suppressionShown(entry: Suppression) {
  const { id, did: member, streams, key, domain, reason, source, createdAt, expiresAt, evidence } = entry;
  const { messageId, exempt } = entry;
  const of = member ?? "pool";
  return { id, of, streams, key, domain, reason, source, createdAt, expiresAt, evidence, messageId, exempt };
}
