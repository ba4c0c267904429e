import { randomBytes } from "node:crypto";
import { Secp256k1Keypair } from "@atproto/crypto";
import { jsonToLex, type LexMap } from "@atproto/lex";
import { cidForRecord } from "@atproto/repo";
import { isValidDid, isValidNsid, isValidRecordKey } from "@atproto/syntax";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import type { Caller } from "./access.ts";
import type { RepoHost } from "./host.ts";
import { jwsPart } from "./oauth/jws.ts";
import { allowsCall, allowsWrite, type RepoAction } from "./oauth/scope.ts";
import type { Sessions } from "./passwords.ts";
import type { Account, RepoStore } from "./store.ts";
import { xrpcFault } from "./xrpc-fault.ts";

export type ProcedureOptions = {
  host: Pick<RepoHost, "putRecord" | "deleteRecord">;
  store: RepoStore;
  sessions: Sessions;
  callerOf: (c: Context) => Caller;
  /** Real time, as whoever checks a token has it; ms since the epoch. */
  now: () => number;
};

const MAX_BODY = 1024 * 1024;
const SHORT_S = 60;
const LONGEST_S = 3_600;

const credentials = z.object({ identifier: z.string().max(300), password: z.string().max(300) });
const place = {
  repo: z.string().max(300),
  collection: z.string().refine(isValidNsid, "collection must be a valid nsid"),
  rkey: z.string().refine(isValidRecordKey, "rkey must be a valid record key"),
};
const swapRecord = z.string().max(200).nullable().optional();
const put = z.object({ ...place, record: z.record(z.string(), z.unknown()), swapRecord });
const remove = z.object({ ...place, swapRecord });
const serviceToken = z.object({
  aud: z.string().refine((aud) => isValidDid(aud.replace(/#[\w-]+$/, "")), "aud must be a DID"),
  lxm: z.string().refine(isValidNsid, "lxm must be a valid nsid").optional(),
  exp: z.coerce.number().int().optional(),
});

/** What an account's own programs and clients call: sessions, writes, and tokens for other services. */
export function procedures({ host, store, sessions, callerOf, now }: ProcedureOptions): Hono {
  const app = new Hono();
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse();
    throw error;
  });
  app.use("/xrpc/*", bodyLimit({ maxSize: MAX_BODY }));

  app.post("/xrpc/com.atproto.server.createSession", async (c) => {
    const { identifier, password } = await fieldsOf(c, credentials);
    const account = store.account(identifier) ?? store.byHandle(identifier.toLowerCase());
    if (!account || password !== store.appPassword(account.did)) {
      throw xrpcFault(401, "AuthenticationRequired", "Invalid identifier or password");
    }
    return c.json({ ...profileOf(account), ...sessions.open(account.did) });
  });
  app.post("/xrpc/com.atproto.server.refreshSession", (c) => {
    const did = sessions.spend(bearerOf(c));
    const account = did === undefined ? undefined : store.account(did);
    if (!account)
      throw xrpcFault(400, "ExpiredToken", "The refresh token is not known, was used, or has ended");
    return c.json({ ...profileOf(account), ...sessions.open(account.did) });
  });
  app.post("/xrpc/com.atproto.server.deleteSession", (c) => {
    if (sessions.spend(bearerOf(c)) === undefined)
      throw xrpcFault(400, "InvalidToken", "Not a refresh token");
    return c.body(null, 200);
  });
  app.get("/xrpc/com.atproto.server.getSession", (c) => c.json(profileOf(accountOf(callerOf(c)))));

  app.get("/xrpc/com.atproto.server.getServiceAuth", async (c) => {
    const caller = callerOf(c);
    const { aud, lxm, exp } = checked(serviceToken, c.req.query());
    if (caller.scope !== undefined && !(lxm && allowsCall(caller.scope, lxm, aud))) {
      throw missingScope(`rpc:${lxm ?? "*"}?aud=${aud}`);
    }
    const iat = Math.floor(now() / 1_000);
    const ends = exp ?? iat + SHORT_S;
    if (ends <= iat) throw xrpcFault(400, "BadExpiration", "expiration is in past");
    if (ends - iat > (lxm ? LONGEST_S : SHORT_S)) {
      throw xrpcFault(400, "BadExpiration", "cannot request a token with an expiration so far in the future");
    }
    const jti = randomBytes(16).toString("hex");
    const claims = { iat, iss: caller.did, aud, exp: ends, ...(lxm ? { lxm } : {}), jti };
    return c.json({ token: await signedToken(accountOf(caller), claims) });
  });

  app.post("/xrpc/com.atproto.repo.putRecord", async (c) => {
    const caller = callerOf(c);
    const { repo, collection, rkey, record, swapRecord: expected } = await fieldsOf(c, put);
    const { did } = ownRepo(caller, repo);
    mayWrite(caller, collection, "create");
    mayWrite(caller, collection, "update");
    if (record["$type"] !== undefined && record["$type"] !== collection) {
      throw xrpcFault(400, "InvalidRequest", `Invalid $type: expected ${collection}`);
    }
    const value = { ...(jsonToLex(record as never) as LexMap), $type: collection };
    const same = (await cidForRecord(value)).toString() === store.record(did, collection, rkey)?.cid;
    if (!same) unchangedSince(did, collection, rkey, expected);
    const { uri, cid, rev } = await host.putRecord(did, collection, rkey, value);
    const commit = same ? {} : { commit: { cid: store.account(did)?.head, rev } };
    return c.json({ uri, cid, ...commit, validationStatus: "unknown" });
  });
  app.post("/xrpc/com.atproto.repo.deleteRecord", async (c) => {
    const caller = callerOf(c);
    const { repo, collection, rkey, swapRecord: expected } = await fieldsOf(c, remove);
    const { did } = ownRepo(caller, repo);
    mayWrite(caller, collection, "delete");
    unchangedSince(did, collection, rkey, expected);
    if (!(await host.deleteRecord(did, collection, rkey))) return c.json({});
    const account = store.account(did);
    return c.json({ commit: { cid: account?.head, rev: account?.rev } });
  });

  function accountOf({ did }: Caller): Account {
    const account = store.account(did);
    if (!account || account.status !== "active") {
      throw xrpcFault(401, "AccountTakedown", "The account is not active");
    }
    return account;
  }

  function ownRepo(caller: Caller, repo: string): Account {
    const account = accountOf(caller);
    if (repo !== account.did && repo.toLowerCase() !== account.handle) {
      throw xrpcFault(403, "InvalidRequest", "Cannot write to another repository");
    }
    return account;
  }

  /** `swapRecord`: write only over this CID, or over nothing when it is null. */
  function unchangedSince(did: string, collection: string, rkey: string, expected?: string | null): void {
    if (expected === undefined) return;
    const is = store.record(did, collection, rkey)?.cid ?? null;
    if (is !== expected) throw xrpcFault(400, "InvalidSwap", `Record was at ${is ?? "nothing"}`);
  }

  return app;
}

function mayWrite({ scope }: Caller, collection: string, action: RepoAction): void {
  if (scope !== undefined && !allowsWrite(scope, collection, action)) {
    throw missingScope(`repo:${collection}?action=${action}`);
  }
}

function missingScope(scope: string): HTTPException {
  return xrpcFault(403, "ScopeMissingError", `Missing required scope "${scope}"`);
}

function profileOf({ did, handle, status }: Account) {
  return { did, handle, active: status === "active", ...(status === "active" ? {} : { status }) };
}

function bearerOf(c: Context): string {
  return /^bearer (\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
}

async function fieldsOf<S extends z.ZodType>(c: Context, schema: S): Promise<z.infer<S>> {
  return checked(schema, await c.req.json().catch(() => undefined));
}

function checked<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const found = schema.safeParse(value);
  if (!found.success) throw xrpcFault(400, "InvalidRequest", z.prettifyError(found.error));
  return found.data;
}

/** A JWT for service authentication, signed with the account's key (atproto XRPC, "Inter-Service Authentication"). */
async function signedToken(account: Account, claims: object): Promise<string> {
  const input = `${jwsPart({ typ: "JWT", alg: "ES256K" })}.${jwsPart(claims)}`;
  const key = await Secp256k1Keypair.import(account.signing_key);
  const signature = await key.sign(Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}
