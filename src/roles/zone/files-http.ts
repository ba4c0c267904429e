import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Hono, type Context } from "hono";
import { cors } from "hono/cors";
import { MAPS } from "../../allowlist/index.ts";
import type { Zone } from "./index.ts";

const JSON_TYPE = "application/json";
const TEXT = "text/plain; charset=utf-8";
const MAX_CHANGES = 10_000;

/** What anybody may fetch: snapshots, their changes, zones and maps, each with an ETag. */
export function allowlistFiles({ publication, store, place }: Zone): Hono {
  const app = new Hono();
  const { dir } = publication;
  const open = cors();

  app.get("/snapshot.json", open, async (c) => {
    const snapshot = publication.snapshot();
    if (!snapshot) return c.json(NOT_YET, 503, { "retry-after": "60" });
    return send(c, snapshot.path, { type: JSON_TYPE, tag: snapshot.tail.id, maxAge: 60 });
  });
  app.get("/snapshots/:name{[0-9a-f]{64}\\.json}", open, (c) => {
    const name = c.req.param("name");
    return send(c, join(dir, "snapshots", name), { type: JSON_TYPE, tag: name, maxAge: 31_536_000 });
  });
  app.get("/changes.json", open, (c) => {
    const text = c.req.query("since") ?? "";
    if (!/^\d{1,12}$/.test(text))
      return c.json({ error: "InvalidRequest", message: "Name a serial: ?since=1767225600." }, 400);
    const since = Number(text);
    const lines = store.historySince(since, MAX_CHANGES + 1);
    const page = upToSerial(lines, MAX_CHANGES);
    c.header("cache-control", "public, max-age=60");
    return c.json({
      zone: place.zone,
      since,
      serial:
        page.length > 0 && lines.length > page.length ? page.at(-1)!.serial : store.publication().serial,
      // Older than what is kept, or too much at once: then the snapshot says it.
      isComplete: since >= store.historyFrom() - 1 && (page.length > 0 || lines.length === 0),
      hasMore: page.length > 0 && lines.length > page.length,
      changes: page.map(({ key, change, did, code, serial, at }) => ({
        name: key.replace(/^\[(.*)\]$/, "$1"),
        change,
        did,
        code,
        serial,
        at: new Date(at).toISOString(),
      })),
    });
  });
  for (const name of MAPS)
    app.get(`/maps/${name}`, open, (c) => send(c, join(dir, name), { type: TEXT, maxAge: 60 }));
  for (const end of ["zone", "rbldnsd"])
    app.get(`/zones/${place.zone}.${end}`, open, (c) =>
      send(c, join(dir, `${place.zone}.${end}`), { type: TEXT, maxAge: 60 }),
    );
  return app;
}

const NOT_YET = { error: "NotYet", message: "There is no list yet. Come again in a minute." };

/** Changes of one serial stay together, so that the next page begins after a whole one. */
function upToSerial<T extends { serial: number }>(lines: T[], limit: number): T[] {
  if (lines.length <= limit) return lines;
  const cut = lines[limit]!.serial;
  return lines.filter(({ serial }) => serial < cut);
}

type Kind = { type: string; maxAge: number; tag?: string };

async function send(c: Context, path: string, { type, maxAge, tag }: Kind): Promise<Response> {
  const file = await openFile(path).catch(() => undefined);
  if (!file) return c.json({ error: "NotFound", message: "There is no such file here, or no more." }, 404);
  const { size, mtimeMs } = await file.stat();
  const etag = `"${tag ?? `${size}-${Math.floor(mtimeMs)}`}"`;
  const headers = {
    "content-type": type,
    "cache-control": `public, max-age=${maxAge}`,
    etag,
    "last-modified": new Date(mtimeMs).toUTCString(),
  };
  const known = c.req.header("if-none-match");
  if (known?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag)) {
    await file.close();
    return c.body(null, 304, headers);
  }
  if (c.req.method === "HEAD") {
    await file.close();
    return c.body(null, 200, { ...headers, "content-length": String(size) });
  }
  // By the descriptor: a new publication takes the name, and leaves these octets.
  const stream = Readable.toWeb(file.createReadStream()) as ReadableStream;
  return c.body(stream, 200, { ...headers, "content-length": String(size) });
}
