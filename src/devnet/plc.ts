import { assureValidNextOp, def, getLastOpWithCid, opToData, PlcError } from "@did-plc/lib";
import type { CompatibleOpOrTombstone, DocumentData, IndexedOperation } from "@did-plc/lib";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Clock } from "../lib/clock.ts";
import type { Database, Migration } from "../platform/database.ts";
import { serveHttp } from "../platform/http.ts";

export const plcMigration: Migration = {
  module: "devnet_plc",
  steps: [
    `CREATE TABLE plc_operation (
       number INTEGER PRIMARY KEY AUTOINCREMENT,
       did TEXT NOT NULL,
       cid TEXT NOT NULL,
       operation TEXT NOT NULL,
       nullified INTEGER NOT NULL DEFAULT 0,
       created_at INTEGER NOT NULL,
       UNIQUE (did, cid)
     ) STRICT`,
  ],
};

export type Plc = { url: string; close(): Promise<void> };

const MAX_BODY = 64 * 1024;
const MAX_OPERATIONS = 1_000;

/**
 * A PLC directory (did-method-plc v0.1): POST and GET `/:did`, `/:did/data`, `/:did/log`, `/:did/log/audit`,
 * `/:did/log/last`, `/_health`. Signatures, order and hashes of operations are checked as the public one does.
 */
export async function startPlc(options: {
  /** Opened with `plcMigration`. */
  db: Database;
  clock: Clock;
  host: string;
  port: number;
}): Promise<Plc> {
  const http = await serveHttp(plcApp(options.db, options.clock), options);
  return { url: `http://${http.address.host}:${http.address.port}`, close: () => http.close() };
}

function plcApp(db: Database, clock: Clock): Hono {
  const app = new Hono();
  let turn: Promise<unknown> = Promise.resolve();

  /** One operation at a time: each is checked against the log as the one before left it. */
  function submit(did: string, operation: CompatibleOpOrTombstone): Promise<void> {
    const work = turn.then(() => append(db, clock, did, operation));
    turn = work.catch(() => undefined);
    return work;
  }

  app.get("/_health", (c) => c.json({ version: "devnet" }));
  app.use("/:did/*", async (c, next) => {
    const did = c.req.param("did");
    if (!/^did:plc:[a-z2-7]{24}$/.test(did)) return c.json({ message: `Not a did:plc: ${did}` }, 400);
    return next();
  });
  app.post("/:did", bodyLimit({ maxSize: MAX_BODY }), async (c) => {
    const body: unknown = await c.req.json().catch(() => undefined);
    const parsed = def.compatibleOpOrTombstone.safeParse(body);
    if (!parsed.success) return c.json({ message: "Not a valid operation" }, 400);
    try {
      await submit(c.req.param("did"), parsed.data);
      return c.json({});
    } catch (error) {
      if (PlcError.is(error)) return c.json({ message: error.message }, 400);
      throw error;
    }
  });
  app.get("/:did", (c) => answer(c.req.param("did"), didDocument, "application/did+ld+json"));
  app.get("/:did/data", (c) => answer(c.req.param("did"), (data) => data, "application/json"));
  app.get("/:did/log", (c) => log(c.req.param("did"), (entries) => entries.map((entry) => entry.operation)));
  app.get("/:did/log/audit", (c) =>
    Response.json(
      allEntries(db, c.req.param("did")).map((entry) => ({
        ...entry,
        createdAt: new Date(entry.createdAt).toISOString(),
      })),
    ),
  );
  app.get("/:did/log/last", (c) => log(c.req.param("did"), (entries) => entries.at(-1)?.operation));

  function answer(did: string, form: (data: DocumentData) => unknown, type: string): Response {
    const last = currentEntries(db, did).at(-1);
    if (!last) return notRegistered(did);
    const data = opToData(did, last.operation);
    if (!data) return Response.json({ message: `DID not available: ${did}` }, { status: 410 });
    return new Response(JSON.stringify(form(data)), { headers: { "content-type": type } });
  }

  function log(did: string, form: (entries: Entry[]) => unknown): Response {
    const entries = currentEntries(db, did);
    return entries.length > 0 ? Response.json(form(entries)) : notRegistered(did);
  }

  return app;
}

type Entry = {
  did: string;
  cid: string;
  operation: CompatibleOpOrTombstone;
  nullified: boolean;
  createdAt: number;
};

function allEntries(db: Database, did: string): Entry[] {
  return db
    .all<{ cid: string; operation: string; nullified: number; created_at: number }>(
      "SELECT cid, operation, nullified, created_at FROM plc_operation WHERE did = ? ORDER BY number",
      did,
    )
    .map((row) => ({
      did,
      cid: row.cid,
      operation: JSON.parse(row.operation) as CompatibleOpOrTombstone,
      nullified: row.nullified === 1,
      createdAt: row.created_at,
    }));
}

function currentEntries(db: Database, did: string): Entry[] {
  return allEntries(db, did).filter((entry) => !entry.nullified);
}

/** Throws a `PlcError` when the operation may not follow what is there. */
async function append(
  db: Database,
  clock: Clock,
  did: string,
  operation: CompatibleOpOrTombstone,
): Promise<void> {
  const { cid } = await getLastOpWithCid([operation]);
  const entries = currentEntries(db, did);
  if (entries.some((entry) => entry.cid === cid.toString())) return;
  if (entries.length >= MAX_OPERATIONS) throw new PlcError(`${did} has too many operations`);
  const { nullified } = await assureValidNextOp(did, await Promise.all(entries.map(indexed)), operation);
  db.transaction(() => {
    for (const gone of nullified) {
      db.run("UPDATE plc_operation SET nullified = 1 WHERE did = ? AND cid = ?", did, gone.toString());
    }
    db.run(
      "INSERT INTO plc_operation (did, cid, operation, created_at) VALUES (?, ?, ?, ?)",
      did,
      cid.toString(),
      JSON.stringify(operation),
      clock.now(),
    );
  });
}

async function indexed(entry: Entry): Promise<IndexedOperation> {
  const { cid } = await getLastOpWithCid([entry.operation]);
  return { ...entry, cid, createdAt: new Date(entry.createdAt) };
}

function notRegistered(did: string): Response {
  return Response.json({ message: `DID not registered: ${did}` }, { status: 404 });
}

/** The DID document as plc.directory writes it, with absolute ids and Multikey keys. */
function didDocument(data: DocumentData): Record<string, unknown> {
  return {
    "@context": [
      "https://www.w3.org/ns/did/v1",
      "https://w3id.org/security/multikey/v1",
      "https://w3id.org/security/suites/secp256k1-2019/v1",
    ],
    id: data.did,
    alsoKnownAs: data.alsoKnownAs,
    verificationMethod: Object.entries(data.verificationMethods).map(([id, key]) => ({
      id: `${data.did}#${id}`,
      type: "Multikey",
      controller: data.did,
      publicKeyMultibase: key.replace(/^did:key:/, ""),
    })),
    service: Object.entries(data.services).map(([id, service]) => ({
      id: `#${id}`,
      type: service.type,
      serviceEndpoint: service.endpoint,
    })),
  };
}
