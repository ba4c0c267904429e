import { lexToJson, parseCid } from "@atproto/lex";
import { getFullRepo, getRecords } from "@atproto/repo";
import { isValidHandle, isValidNsid, isValidRecordKey } from "@atproto/syntax";
import { Hono, type Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Account, RepoStore } from "./store.ts";
import { xrpcFault } from "./xrpc-fault.ts";

const CAR = { "content-type": "application/vnd.ipld.car" };

/** The read methods of a PDS, and `com.atproto.sync.listReposByCollection`, which a relay has. */
export function repoApp(store: RepoStore): Hono {
  const app = new Hono();
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse();
    throw error;
  });

  app.get("/xrpc/_health", (c) => c.json({ version: "devnet" }));
  app.get("/.well-known/atproto-did", (c) => {
    const account = store.byHandle((c.req.header("host") ?? "").replace(/:\d+$/, "").toLowerCase());
    return account ? c.text(account.did) : c.text("No such handle", 404);
  });

  app.get("/xrpc/com.atproto.server.describeServer", (c) =>
    c.json({ did: "did:web:localhost", availableUserDomains: [".test"], inviteCodeRequired: true }),
  );
  app.get("/xrpc/com.atproto.identity.resolveHandle", (c) => {
    const account = store.byHandle(param(c, "handle"));
    if (!account) throw xrpcFault(400, "HandleNotFound", "Unable to resolve handle");
    return c.json({ did: account.did });
  });

  app.get("/xrpc/com.atproto.sync.getRecord", (c) => {
    const account = active(param(c, "did"));
    const path = { collection: nsid(c), rkey: recordKey(c) };
    return car(getRecords(store.blocks(account.did), head(account), [path]));
  });
  app.get("/xrpc/com.atproto.sync.getRepo", (c) => {
    const account = active(param(c, "did"));
    return car(getFullRepo(store.blocks(account.did), head(account)));
  });
  app.get("/xrpc/com.atproto.sync.getLatestCommit", (c) => {
    const account = active(param(c, "did"));
    return c.json({ cid: account.head, rev: account.rev });
  });
  app.get("/xrpc/com.atproto.sync.getRepoStatus", (c) => {
    const { did, status, rev } = known(param(c, "did"));
    return c.json(status === "active" ? { did, active: true, rev } : { did, active: false, status });
  });
  app.get("/xrpc/com.atproto.sync.listRepos", (c) => {
    const limit = limitOf(c, 500, 1000);
    const accounts = store.accounts(c.req.query("cursor") ?? "", limit);
    const repos = accounts.map(({ did, head: root, rev, status }) => ({
      did,
      head: root,
      rev,
      active: status === "active",
      ...(status === "active" ? {} : { status }),
    }));
    return c.json({ repos, ...cursor(accounts.length === limit, accounts.at(-1)?.did) });
  });
  app.get("/xrpc/com.atproto.sync.listReposByCollection", (c) => {
    const limit = limitOf(c, 500, 2000);
    const dids = store.didsWith(nsid(c), c.req.query("cursor") ?? "", limit);
    return c.json({ repos: dids.map((did) => ({ did })), ...cursor(dids.length === limit, dids.at(-1)) });
  });

  app.get("/xrpc/com.atproto.repo.getRecord", async (c) => {
    const { did } = active(byIdentifier(param(c, "repo")));
    const collection = nsid(c);
    const row = store.record(did, collection, recordKey(c));
    const wanted = c.req.query("cid");
    if (!row || (wanted && wanted !== row.cid))
      throw xrpcFault(400, "RecordNotFound", "Could not locate record");
    return c.json(await view(did, collection, row));
  });
  app.get("/xrpc/com.atproto.repo.listRecords", async (c) => {
    const { did } = active(byIdentifier(param(c, "repo")));
    const collection = nsid(c);
    const limit = limitOf(c, 50, 100);
    const rows = store.records(did, collection, c.req.query("cursor") ?? "", limit);
    const records = await Promise.all(rows.map((row) => view(did, collection, row)));
    return c.json({ records, ...cursor(rows.length === limit, rows.at(-1)?.rkey) });
  });

  app.all("/xrpc/*", (c) =>
    c.json({ error: "MethodNotImplemented", message: "Method Not Implemented" }, 501),
  );

  function known(did: string): Account {
    const account = store.account(did);
    if (!account) throw xrpcFault(400, "RepoNotFound", `Could not find repo for DID: ${did}`);
    return account;
  }

  function active(did: string): Account {
    const account = known(did);
    if (account.status === "deactivated")
      throw xrpcFault(400, "RepoDeactivated", `Repo has been deactivated: ${did}`);
    if (account.status === "deleted")
      throw xrpcFault(400, "RepoNotFound", `Could not find repo for DID: ${did}`);
    return account;
  }

  function byIdentifier(identifier: string): string {
    return isValidHandle(identifier) ? (store.byHandle(identifier)?.did ?? identifier) : identifier;
  }

  async function view(did: string, collection: string, row: { rkey: string; cid: string }) {
    const value = await store.blocks(did).readRecord(parseCid(row.cid));
    return { uri: `at://${did}/${collection}/${row.rkey}`, cid: row.cid, value: lexToJson(value) };
  }

  return app;
}

function head(account: Account) {
  if (!account.head) throw xrpcFault(400, "RepoNotFound", `Repo is empty: ${account.did}`);
  return parseCid(account.head);
}

async function car(chunks: AsyncIterable<Uint8Array>): Promise<Response> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Response(Buffer.concat(parts), { headers: CAR });
}

function param(c: Context, name: string): string {
  const value = c.req.query(name);
  if (!value) throw xrpcFault(400, "InvalidRequest", `Error: Params must have the property "${name}"`);
  return value;
}

function nsid(c: Context): string {
  const value = param(c, "collection");
  if (!isValidNsid(value)) throw xrpcFault(400, "InvalidRequest", "Error: collection must be a valid nsid");
  return value;
}

function recordKey(c: Context): string {
  const value = param(c, "rkey");
  if (!isValidRecordKey(value))
    throw xrpcFault(400, "InvalidRequest", "Error: rkey must be a valid record key");
  return value;
}

function limitOf(c: Context, usual: number, most: number): number {
  const limit = Number(c.req.query("limit") ?? usual);
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw xrpcFault(400, "InvalidRequest", `Error: limit must be between 1 and ${most}`);
  }
  return limit;
}

function cursor(more: boolean, value: string | undefined): { cursor?: string } {
  return more && value ? { cursor: value } : {};
}
