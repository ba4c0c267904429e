import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Client, type UnsignedOperation } from "@did-plc/lib";
import {
  cacheDirectory,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Server,
} from "./process.ts";
import { withResolver } from "./resolver.ts";

export interface PdsOptions {
  /** `PDS_EMAIL_SMTP_URL` and `PDS_EMAIL_FROM_ADDRESS`; without them the PDS sends no mail. */
  smtpUrl?: string;
  fromAddress?: string;
  /** PEM file of the authority that the PDS must trust, for its mail server. */
  trust?: string;
  /** Suffixes of the handles it hands out; `[".test"]` unless told. */
  handleDomains?: string[];
  /** A PLC directory that runs already; without it a new one is started in the same process. */
  plcUrl?: string;
  /** A resolver on port 53, in place of the host's. */
  resolver?: string;
  /** Further `PDS_*` variables; they win. */
  env?: Record<string, string>;
}

export interface Session {
  did: string;
  handle: string;
  email: string;
  accessJwt: string;
  refreshJwt: string;
}

export interface Pds extends Server {
  plcUrl: string;
  /** `http://localhost:PORT`, the endpoint in the DID documents of its accounts. */
  pdsUrl: string;
  /** The service's own DID, `did:web:localhost`. */
  did: string;
  adminPassword: string;
  /** Consents that stand: tokens of OAuth that its clients have not revoked. */
  grants(): number;
  log(): string;
  createAccount(handle: string, email: string, password: string): Promise<Session>;
  createSession(identifier: string, password: string): Promise<Session>;
  requestEmailConfirmation(session: Session): Promise<void>;
  confirmEmail(session: Session, token: string): Promise<void>;
  requestPasswordReset(email: string): Promise<void>;
  resetPassword(token: string, password: string): Promise<void>;
  putRecord(
    session: Session,
    collection: string,
    rkey: string,
    record: Record<string, unknown>,
  ): Promise<{ uri: string; cid: string }>;
  deleteRecord(session: Session, collection: string, rkey: string): Promise<void>;
  /** `com.atproto.sync.getRecord`: a CAR with the record, or with the proof that there is none. */
  getRecordCar(did: string, collection: string, rkey: string): Promise<Uint8Array>;
  /** Any XRPC method: a query unless `body` is given. Throws {@link XrpcFailure} for an error answer. */
  xrpc(method: string, call?: XrpcCall): Promise<Response>;
  /** A PLC operation signed with the PDS's rotation key. */
  updateDid(did: string, change: (last: UnsignedOperation) => Omit<UnsignedOperation, "prev">): Promise<void>;
  /** Adds a service such as `atproto_labeler` of type `AtprotoLabeler` to the DID document. */
  addService(did: string, id: string, type: string, endpoint: string): Promise<void>;
  /** Adds a verification method such as `atproto_label`; `key` is a did:key. */
  addVerificationMethod(did: string, id: string, key: string): Promise<void>;
}

export interface XrpcCall {
  session?: Session;
  parameters?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
}

export class XrpcFailure extends Error {
  readonly status: number;
  readonly body: string;
  constructor(method: string, status: number, body: string) {
    super(`${method}: ${status} ${body}`);
    this.status = status;
    this.body = body;
  }
}

/** A real PDS and a real PLC directory on loopback, in one child process. */
export async function startPds(options: PdsOptions = {}): Promise<Pds> {
  const directory = await temporaryDirectory("pds");
  const [port, plcPort] = [await freePort(), await freePort()];
  const rotation = await Secp256k1Keypair.create({ exportable: true });
  const adminPassword = "admin-of-the-test";
  const pdsUrl = `http://localhost:${port}`;
  const plcUrl = options.plcUrl ?? `http://localhost:${plcPort}`;
  const env: Record<string, string | undefined> = {
    NODE_ENV: "test",
    LOG_ENABLED: "true",
    LOG_LEVEL: "warn",
    NODE_EXTRA_CA_CERTS: options.trust,
    PLC_PORT: String(plcPort),
    PDS_DID_PLC_URL: options.plcUrl,
    PDS_PORT: String(port),
    PDS_HOSTNAME: "localhost",
    PDS_DEV_MODE: "true",
    PDS_DATA_DIRECTORY: directory,
    PDS_BLOBSTORE_DISK_LOCATION: join(directory, "blobs"),
    PDS_BLOBSTORE_DISK_TMP_LOCATION: join(directory, "blobs-tmp"),
    PDS_SERVICE_HANDLE_DOMAINS: (options.handleDomains ?? [".test"]).join(","),
    PDS_INVITE_REQUIRED: "false",
    PDS_DISABLE_SSRF_PROTECTION: "true",
    PDS_RATE_LIMITS_ENABLED: "false",
    PDS_RECOVERY_DID_KEY: rotation.did(),
    PDS_ADMIN_PASSWORD: adminPassword,
    PDS_JWT_SECRET: "jwt-secret-of-the-test",
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: Buffer.from(await rotation.export()).toString("hex"),
    PDS_BSKY_APP_VIEW_URL: "https://appview.invalid",
    PDS_BSKY_APP_VIEW_DID: "did:web:appview.invalid",
    PDS_MOD_SERVICE_URL: "https://mod.invalid",
    PDS_MOD_SERVICE_DID: "did:web:mod.invalid",
    PDS_EMAIL_SMTP_URL: options.smtpUrl,
    PDS_EMAIL_FROM_ADDRESS: options.fromAddress,
    ...options.env,
  };
  let stop = () => removeDirectory(directory);
  try {
    const script = join(import.meta.dirname, "../pds/serve.mjs");
    const command = withResolver(options.resolver, process.execPath, [script]);
    const running = await run(...command, {
      cwd: join(cacheDirectory(), "pds"),
      env,
      ready: async (output) => output.includes("listening") && (await healthy(pdsUrl)),
      readyTimeoutMs: 60_000,
      // Nothing of it is kept, and its graceful end waits for open connections.
      stopSignal: "SIGKILL",
    });
    stop = async () => {
      await running.stop();
      await removeDirectory(directory);
    };
    const client = calls(pdsUrl, new Client(plcUrl), rotation);
    const log = () => running.output();
    const grants = () => {
      const db = new DatabaseSync(join(directory, "account.sqlite"), { readOnly: true, timeout: 5_000 });
      const row = db.prepare("SELECT count(*) AS count FROM token").get();
      db.close();
      return Number(row?.["count"]);
    };
    const own = { plcUrl, pdsUrl, did: "did:web:localhost", adminPassword, grants, log };
    return { ...own, ...client, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function healthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/xrpc/_health`).catch(() => undefined);
  return response?.ok ?? false;
}

type Calls = Omit<Pds, keyof Server | "plcUrl" | "pdsUrl" | "did" | "adminPassword" | "grants" | "log">;

const server = (name: string) => `com.atproto.server.${name}`;

function calls(pdsUrl: string, plc: Client, rotation: Secp256k1Keypair): Calls {
  const xrpc: Pds["xrpc"] = async (method, call = {}) => {
    const query = call.parameters === undefined ? "" : `?${new URLSearchParams(call.parameters)}`;
    const headers: Record<string, string> = { ...call.headers };
    if (call.session !== undefined) headers["authorization"] = `Bearer ${call.session.accessJwt}`;
    const post = call.body !== undefined;
    if (post && call.body !== null) headers["content-type"] = "application/json";
    const response = await fetch(`${pdsUrl}/xrpc/${method}${query}`, {
      method: post ? "POST" : "GET",
      headers,
      body: post && call.body !== null ? JSON.stringify(call.body) : undefined,
    });
    if (!response.ok) throw new XrpcFailure(method, response.status, await response.text());
    return response;
  };
  const tell = async (method: string, call: XrpcCall) => {
    await (await xrpc(method, call)).arrayBuffer();
  };
  const updateDid: Pds["updateDid"] = (did, change) => plc.updateData(did, rotation, change);
  return {
    xrpc,
    updateDid,
    async createAccount(handle, email, password) {
      const answer = await xrpc(server("createAccount"), { body: { handle, email, password } });
      return { email, ...((await answer.json()) as Omit<Session, "email">) };
    },
    async createSession(identifier, password) {
      const answer = await xrpc(server("createSession"), { body: { identifier, password } });
      return (await answer.json()) as Session;
    },
    requestEmailConfirmation: (session) => tell(server("requestEmailConfirmation"), { session, body: null }),
    confirmEmail: (session, token) =>
      tell(server("confirmEmail"), { session, body: { email: session.email, token } }),
    requestPasswordReset: (email) => tell(server("requestPasswordReset"), { body: { email } }),
    resetPassword: (token, password) => tell(server("resetPassword"), { body: { token, password } }),
    async putRecord(session, collection, rkey, record) {
      const body = { repo: session.did, collection, rkey, record: { $type: collection, ...record } };
      const answer = await xrpc("com.atproto.repo.putRecord", { session, body });
      return (await answer.json()) as { uri: string; cid: string };
    },
    deleteRecord: (session, collection, rkey) =>
      tell("com.atproto.repo.deleteRecord", { session, body: { repo: session.did, collection, rkey } }),
    async getRecordCar(did, collection, rkey) {
      const parameters = { did, collection, rkey };
      return new Uint8Array(await (await xrpc("com.atproto.sync.getRecord", { parameters })).arrayBuffer());
    },
    addService: (did, id, type, endpoint) =>
      updateDid(did, (last) => ({ ...last, services: { ...last.services, [id]: { type, endpoint } } })),
    addVerificationMethod: (did, id, key) =>
      updateDid(did, (last) => ({
        ...last,
        verificationMethods: { ...last.verificationMethods, [id]: key },
      })),
  };
}
