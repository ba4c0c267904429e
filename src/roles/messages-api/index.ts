import { Hono, type Context } from "hono";
import type { z } from "zod";
import type { Login, Refusal, Relay, Who } from "../../relay/index.ts";
import type { Spool } from "../../spool/index.ts";
import { addressOf, clientOf } from "../xrpc-client.ts";
import { basicLogin, comailLogin, createRequestGuard, insecure } from "./access.ts";
import { composeMessage, readRaw } from "./compose.ts";
import { createHandIn, type Door, type HandInOptions } from "./hand-in.ts";
import { describeApi } from "./openapi.ts";
import { hasMoreValues } from "./json-size.ts";
import {
  comailAnswer,
  comailRefusal,
  messageAnswer,
  problem,
  refusalAnswer,
  type Answer,
} from "./outcome.ts";
import { comailMessage, listQuery, newMessage } from "./schemas.ts";
import { suppressionDoor, type SuppressionDoor } from "./suppressions.ts";
import { testDoor, type TestDoor } from "./tests.ts";
import { detailView, listView } from "./views.ts";

export { answerMigration, createAnswers, type Answers } from "./answers.ts";

export type MessagesApiOptions = HandInOptions & {
  relay: Pick<Relay, "authenticate">;
  spool: Pick<Spool, "messages" | "attempts" | "toldOf">;
  /** The node's copy of the suppression list. Absent: it has none, and nothing is there to ask. */
  suppressions?: SuppressionDoor["suppressions"] | undefined;
  /** Absent where core does not run in this process. */
  tests?: TestDoor["tests"] | undefined;
  /** Origin of the site; where it is https, requests in clear are refused. */
  publicUrl: string;
  trustedProxies: readonly string[];
  /** Octets of a message; default 25 MiB, as at submission. */
  maxSize?: number;
};

const MAX_SIZE = 25 * 1024 * 1024;
/** What JSON adds to a message. */
const MARGIN = 1024 * 1024;
const MAX_COMAIL = 1024 * 1024;
/** In the JSON of a message, ours or comail's: ten times what any that is taken has. */
const MAX_VALUES = 10_000;

type Env = { Variables: { address: string } };

/** Mail by HTTP, under `/v1`: the log-in, decisions, limits, events and spool of SMTP submission. */
export function messagesApi(options: MessagesApiOptions): Hono<Env> {
  const { relay, spool, clock, log, publicUrl } = options;
  const proxies = new Set(options.trustedProxies);
  const httpsOnly = publicUrl.startsWith("https:");
  const maxSize = options.maxSize ?? MAX_SIZE;
  const handIn = createHandIn(options);
  const guard = createRequestGuard(() => clock.now());
  const description = describeApi();
  const asJson: Door = {
    name: "messages",
    most: maxSize + MARGIN,
    read(bytes) {
      const message = parseJson(bytes, newMessage);
      return "code" in message ? message : composeMessage(message, clock.now());
    },
    answer: messageAnswer,
    refusal: refusalAnswer,
  };
  const asRaw = (c: Context): Door => ({
    ...asJson,
    most: maxSize,
    read(bytes) {
      const envelope = readRaw(bytes, new URL(c.req.url).searchParams);
      return "problem" in envelope ? problem("malformed", envelope.problem) : envelope;
    },
  });
  const asComail: Door = {
    name: "send",
    most: MAX_COMAIL,
    read(bytes) {
      const message = parseJson(bytes, comailMessage);
      return "code" in message
        ? message
        : composeMessage({ ...message, cc: [], bcc: [], attachments: [], requireTls: false }, clock.now());
    },
    answer: comailAnswer,
    refusal: comailRefusal,
  };
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    c.header("cache-control", "no-store");
    const client = clientOf(c, proxies);
    const refusal = guard.begin(client) ?? insecure(c, proxies, httpsOnly);
    if (refusal) return refuse(c, refusal);
    c.set("address", addressOf(c, proxies));
    await next();
    guard.end(client, c.res.status);
  });

  app.onError((error, c) => {
    if (c.req.raw.signal.aborted) return refuse(c, problem("malformed", "The request broke off"));
    log.error({ err: error, path: c.req.path }, "a request for mail failed");
    return refuse(c, problem("internal", "It failed on our side; try again later"));
  });

  app.get("/openapi.json", (c) => {
    c.header("cache-control", "max-age=300");
    return c.json(description);
  });

  app.post("/messages", async (c) => {
    const who = authenticate(basicLogin(c, c.get("address")));
    if ("code" in who) return refuse(c, who);
    const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
    const door = type === "application/json" ? asJson : type === "message/rfc822" ? asRaw(c) : undefined;
    if (!door) {
      const text = "Give a JSON object as application/json, or a raw message as message/rfc822";
      return refuse(c, problem("malformed", text));
    }
    return give(c, await handIn(c, who, door));
  });

  app.get("/messages", async (c) => {
    const who = authenticate(basicLogin(c, c.get("address")));
    if ("code" in who) return refuse(c, who);
    const query = listQuery.safeParse(c.req.query());
    if (!query.success) return refuse(c, problem("malformed", faultsOf(query.error)));
    const { before, limit } = query.data;
    const { member, credential } = who;
    const page = await spool.messages(member.did, {
      credential: credential.id,
      limit,
      ...(before && { before: Number(before) }),
    });
    return c.json(listView(page, limit));
  });

  app.get("/messages/:id", async (c) => {
    const who = authenticate(basicLogin(c, c.get("address")));
    if ("code" in who) return refuse(c, who);
    const message = await spool.message(c.req.param("id").slice(0, 64));
    if (!message || message.did !== who.member.did || message.credential !== who.credential.id)
      return refuse(
        c,
        problem(
          "not-found",
          "This credential sent no such message; finished ones are forgotten after a month",
        ),
      );
    const [attempts, told] = await Promise.all([spool.attempts(message.id), spool.toldOf(message.id)]);
    return c.json(detailView(message, attempts, told));
  });

  const own = (c: Context<Env>) => authenticate(basicLogin(c, c.get("address")));
  if (options.tests) testDoor(app, { tests: options.tests, authenticate: own, refuse });
  if (options.suppressions) {
    suppressionDoor(app, { suppressions: options.suppressions, authenticate: own, refuse });
  }

  app.post("/send", async (c) => {
    const login = comailLogin(c, c.get("address"));
    if ("body" in login) return give(c, login);
    const who = authenticate(login);
    if ("code" in who) return refuse(c, who);
    return give(c, await handIn(c, who, asComail));
  });

  app.all("*", (c) =>
    refuse(c, problem("not-found", "There is nothing here; /v1/openapi.json says what is")),
  );

  return app;

  function authenticate(login: Login | Refusal): Who | Refusal {
    return "code" in login ? login : relay.authenticate(login);
  }
}

function parseJson<T>(bytes: Uint8Array, schema: z.ZodType<T>): T | Refusal {
  if (hasMoreValues(bytes, MAX_VALUES))
    return problem("malformed", `The body has more than ${MAX_VALUES} values`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return problem("malformed", "The body is not JSON in UTF-8");
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? parsed.data : problem("malformed", faultsOf(parsed.error));
}

const MAX_WORDS = 1_000;

function faultsOf({ issues }: z.ZodError): string {
  const words = issues.map(({ path, message }) => `${path.join(".") || "the message"}: ${message}`);
  return words.join("; ").slice(0, MAX_WORDS);
}

function refuse(c: Context, refusal: Refusal): Response {
  return give(c, c.req.path.endsWith("/send") ? comailRefusal(refusal) : refusalAnswer(refusal));
}

function give(c: Context, { status, body, retryAfterS }: Answer): Response {
  if (retryAfterS !== undefined) c.header("retry-after", String(retryAfterS));
  if (status === 401) c.header("www-authenticate", 'Basic realm="Atmosphere Mail", charset="UTF-8"');
  return c.json(body, status);
}
