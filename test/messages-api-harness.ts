import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Hono } from "hono";
import { afterEach, beforeEach, expect } from "vitest";
import { MovableClock } from "../src/lib/clock.ts";
import { Database } from "../src/platform/database.ts";
import { serveHttp } from "../src/platform/http.ts";
import { silentLog } from "../src/platform/log.ts";
import { createMetrics } from "../src/platform/metrics.ts";
import { hashSecret, type MemberPolicy } from "../src/policy/index.ts";
import {
  answerMigration,
  createAnswers,
  messagesApi,
  type MessagesApiOptions,
} from "../src/roles/messages-api/index.ts";
import { member, newDirectory, startRelay, stopRelay, type Testbed } from "./relay-harness.ts";
import { createSink } from "./relay-sink.ts";

const NOW = Date.UTC(2026, 0, 1, 12);

/** A second member, with a domain of its own. */
const bob: MemberPolicy = {
  ...member,
  did: "did:plc:bob",
  handle: "m8",
  domains: [{ ...member.domains[0]!, name: "other.test" }],
  credentials: [
    {
      ...member.credentials[0]!,
      id: "c2",
      username: "bob",
      hash: hashSecret("bob", "secret2"),
      domains: ["other.test"],
    },
  ],
};

export const mail = {
  from: "PDS <noreply@member.test>",
  to: ["a@a.test"],
  subject: "Code",
  text: "Your code is 123",
};
export const login = (user = "alice", pass = "secret") =>
  `Basic ${Buffer.from(`${user}:${pass}`).toString("base64")}`;
export const asBob = { authorization: login("bob", "secret2") };

type Attempt = { code: number; text: string; tls: string; conversation: string };
type Recipient = { address: string; status: string; nextAttemptAt: string; attempts: Attempt[] };
/** What answers have between them; which of it is there each test says. */
type Body = {
  id: string;
  state: string;
  reason: string;
  message: string;
  link: string | null;
  leavesAt: string;
  recipients: Recipient[];
  messages: { id: string; from: string }[];
  next: string | null;
  accepted: { id: string; messageId: number }[];
};
type Init = { headers?: Record<string, string>; body?: RequestInit["body"]; duplex?: "half" };

/** The API on loopback, as a proxy sees it. Every answer is held against the description that the API gives of itself. */
async function startApi(dir: string, bed: Testbed, change: Partial<MessagesApiOptions> = {}) {
  const db = new Database(join(dir, "messages-api.sqlite"), [answerMigration]);
  const metrics = createMetrics();
  const v1 = messagesApi({
    relay: bed.relay,
    spool: bed.spool,
    answers: createAnswers(db),
    clock: bed.clock,
    log: silentLog,
    metrics,
    publicUrl: "https://coop.test",
    trustedProxies: ["127.0.0.1"],
    ...change,
  });
  const server = await serveHttp(new Hono().route("/v1", v1), { host: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${server.address.port}/v1`;
  const description = (await (await fetch(`${origin}/openapi.json`)).json()) as { paths: object };
  const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(description, "api");

  function expectDescribed(method: string, path: string, status: number, body: unknown): void {
    const known = path.replace(/\?.*/, "").replace(/^\/messages\/.+/, "/messages/{id}");
    if (method === "OPTIONS") return;
    const pointer = [known, method.toLowerCase(), "responses", String(status)]
      .map((part) => encodeURIComponent(part.replaceAll("/", "~1")))
      .join("/");
    const valid = ajv.compile({ $ref: `api#/paths/${pointer}/content/application~1json/schema` });
    expect(valid(body), `${status} ${ajv.errorsText(valid.errors)}`).toBe(true);
  }

  async function ask(method: string, path: string, { headers, ...rest }: Init = {}) {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: login(), ...headers },
      ...rest,
    });
    const body = (await response.json()) as Body;
    expectDescribed(method, path, response.status, body);
    return { status: response.status, body, headers: response.headers };
  }

  return {
    ask,
    description,
    metrics,
    post: (body: object, headers: Record<string, string> = {}) =>
      ask("POST", "/messages", {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    raw: (body: string, query = "") =>
      ask("POST", `/messages${query}`, { body, headers: { "content-type": "message/rfc822" } }),
    /** comail's way. */
    send: (body: unknown, headers: Record<string, string> = {}, query = "") =>
      ask("POST", `/send${query}`, {
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: {
          authorization: "Bearer secret",
          "x-atmos-did": member.did,
          "content-type": "application/json",
          ...headers,
        },
      }),
    async close() {
      await server.close(0);
      db.close();
    },
  };
}

/** A relay node with two members, a receiving server and the API, new for each test. */
export function useApi() {
  const here = {} as {
    dir: ReturnType<typeof newDirectory>;
    sink: Awaited<ReturnType<typeof createSink>>;
    clock: MovableClock;
    bed: Testbed;
    api: Awaited<ReturnType<typeof startApi>>;
    /** Another policy of the first member. */
    change(policy: Partial<MemberPolicy>): Promise<boolean>;
    /** Stops the API, and starts it with other options. */
    again(options?: Partial<MessagesApiOptions>): Promise<void>;
    /** Stops everything, does `between`, and starts it again. */
    restart(between?: () => void): Promise<void>;
  };

  beforeEach(async () => {
    here.dir = newDirectory();
    here.clock = new MovableClock(NOW);
    here.sink = await createSink();
    here.bed = await startRelay(here.dir.path, here.sink.port, here.clock);
    await here.bed.book.apply(bob);
    here.api = await startApi(here.dir.path, here.bed);
    here.change = (policy) => here.bed.book.apply({ ...member, version: 2, ...policy });
    here.again = async (options) => {
      await here.api.close();
      here.api = await startApi(here.dir.path, here.bed, options);
    };
    here.restart = async (between) => {
      await here.api.close();
      await stopRelay(here.bed);
      between?.();
      here.bed = await startRelay(here.dir.path, here.sink.port, here.clock);
      here.api = await startApi(here.dir.path, here.bed);
    };
  });

  afterEach(async () => {
    await here.api.close();
    await stopRelay(here.bed);
    await here.sink.close();
    here.dir.remove();
  });

  return here;
}
