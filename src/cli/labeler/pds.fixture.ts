import { Secp256k1Keypair } from "@atproto/crypto";
import { createOp, createUpdateOp, Client } from "@did-plc/lib";
import { Hono, type Context } from "hono";
import { serveHttp } from "../../platform/http.ts";
import type { IdentityData } from "./pds.ts";

export const HANDLE = "labels.test";
export const PASSWORD = "pass-word-1";

type Body = Record<string, unknown>;

/** One account of a PDS that holds the rotation key of its DID, mails codes and tokens, and lets each be used once. */
export class PdsFixture {
  url = "";
  did = "";
  /** Asks for a code of an e-mail at each log-in, as accounts with a second factor are asked. */
  secondFactor = false;
  /** Where it sends operations; the directory in which the account was made unless a test changes it. */
  plcUrl = "";
  /** The codes and tokens that were mailed, in order. Only the newest of a kind is good. */
  readonly mails: { kind: "code" | "token"; text: string }[] = [];
  readonly records = new Map<string, Body>();
  close: () => Promise<void> = async () => undefined;
  #rotation!: Secp256k1Keypair;
  readonly #good = new Map<string, string>();

  static async start(plcUrl: string): Promise<PdsFixture> {
    const pds = new PdsFixture();
    const http = await serveHttp(pds.#app(), { host: "127.0.0.1", port: 0 });
    pds.url = `http://127.0.0.1:${http.address.port}`;
    pds.close = () => http.close(0);
    pds.plcUrl = plcUrl;
    pds.#rotation = await Secp256k1Keypair.create();
    const { did, op } = await createOp({
      signingKey: pds.#rotation.did(),
      rotationKeys: [pds.#rotation.did()],
      handle: HANDLE,
      pds: pds.url,
      signer: pds.#rotation,
    });
    await new Client(plcUrl).sendOperation(did, op);
    pds.did = did;
    return pds;
  }

  #mail(kind: "code" | "token"): void {
    const text = `${kind.toUpperCase()}-${this.mails.length + 1}`;
    this.mails.push({ kind, text });
    this.#good.set(kind, text);
  }

  #use(kind: "code" | "token", text: unknown): boolean {
    return this.#good.get(kind) === text && this.#good.delete(kind);
  }

  #app(): Hono {
    const app = new Hono();
    const refuse = (c: Context, error: string, message: string, status: 400 | 401 = 400) =>
      c.json({ error, message }, status);
    const post = (method: string, answer: (c: Context, body: Body) => Response | Promise<Response>) =>
      app.post(`/xrpc/${method}`, async (c) => {
        const open = method === "com.atproto.server.createSession";
        const authorised = open || c.req.header("authorization") === "Bearer own-password";
        if (!authorised) return refuse(c, "InvalidToken", "Bad token scope");
        const text = await c.req.text();
        return answer(c, text === "" ? {} : (JSON.parse(text) as Body));
      });

    post("com.atproto.server.createSession", (c, body) => {
      const session = { did: this.did, handle: HANDLE, email: "ops@labels.test" };
      if (body["password"] === "app-pass-word") return c.json({ ...session, accessJwt: "app-password" });
      if (body["password"] !== PASSWORD)
        return refuse(c, "AuthenticationRequired", "Invalid identifier or password", 401);
      const code = body["authFactorToken"];
      if (this.secondFactor && code === undefined) {
        this.#mail("code");
        return refuse(c, "AuthFactorTokenRequired", "A sign in code has been sent", 401);
      }
      if (this.secondFactor && !this.#use("code", code)) return refuse(c, "InvalidToken", "Token is invalid");
      return c.json({ ...session, accessJwt: "own-password" });
    });
    post("com.atproto.identity.requestPlcOperationSignature", (c) => {
      this.#mail("token");
      return c.body(null, 200);
    });
    post("com.atproto.identity.signPlcOperation", async (c, { token, ...data }) => {
      if (!this.#use("token", token)) return refuse(c, "InvalidToken", "Token is invalid");
      const last = await new Client(this.plcUrl).getLastOp(this.did);
      if (last.type === "plc_tombstone") return refuse(c, "InvalidRequest", "Did is tombstoned");
      const wanted = data as IdentityData;
      const operation = await createUpdateOp(last, this.#rotation, (now) => ({ ...now, ...wanted }));
      return c.json({ operation });
    });
    post("com.atproto.identity.submitPlcOperation", async (c, { operation }) => {
      await new Client(this.plcUrl).sendOperation(this.did, operation as never);
      return c.body(null, 200);
    });
    post("com.atproto.repo.putRecord", (c, { collection, rkey, record }) => {
      this.records.set(`${String(collection)}/${String(rkey)}`, record as Body);
      return c.json({ uri: `at://${this.did}/${String(collection)}/${String(rkey)}`, cid: "bafyreia" });
    });
    app.get("/xrpc/com.atproto.repo.getRecord", (c) => {
      const { collection, rkey } = c.req.query();
      const value = this.records.get(`${collection}/${rkey}`);
      return value ? c.json({ value }) : refuse(c, "RecordNotFound", "Could not locate record");
    });
    return app;
  }
}
