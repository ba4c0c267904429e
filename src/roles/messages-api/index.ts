import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Metrics } from "../../platform/metrics.ts";
import type { Login, Refusal, Relay, Who } from "../../relay/index.ts";
import type { Spool } from "../../spool/index.ts";
import { clientOf } from "../xrpc-client.ts";
import { basicLogin, comailLogin, createRequestGuard, insecure } from "./access.ts";
import { composeMessage, readRaw } from "./compose.ts";
import { createHandIn, type Door, type HandInOptions } from "./hand-in.ts";
import { describeApi } from "./openapi.ts";
import {
  comailAnswer,
  comailRefusal,
  messageAnswer,
  problem,
  refusalAnswer,
  type Answer,
} from "./outcome.ts";
import { comailMessage, listQuery, newMessage, type ComailMessage, type NewMessage } from "./schemas.ts";
import { detailView, listView } from "./views.ts";

export { answerMigration, createAnswers, type Answers } from "./answers.ts";

export type MessagesApiOptions = HandInOptions & {
  relay: Pick<Relay, "authenticate">;
  spool: Pick<Spool, "messages" | "attempts">;
  metrics: Pick<Metrics, "submissions">;
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

type Env = { Variables: { address: string } };

/** Mail by HTTP, under `/v1`: the log-in, decisions, limits, events and spool of SMTP submission. */
export function messagesApi(options: MessagesApiOptions): Hono<Env> {
  const { relay, spool, clock, log, metrics, publicUrl } = options;
  const proxies = new Set(options.trustedProxies);
  const httpsOnly = publicUrl.startsWith("https:");
  const maxSize = options.maxSize ?? MAX_SIZE;
  const handIn = createHandIn(options);
  const guard = createRequestGuard(() => clock.now());
  const description = describeApi();
  const asJson: Door = {
    name: "messages",
    most: maxSize + MARGIN,
    read: (bytes) => composeMessage(newMessage.parse(json(bytes)), clock.now()),
    answer: messageAnswer,
    refusal: refusalAnswer,
  };
  const asRaw = (c: Context): Door => ({
    ...asJson,
    most: maxSize,
    read(bytes) {
      const envelope = readRaw(bytes, new URL(c.req.url).searchParams);
      return "problem" in envelope ? problem("invalid-request", envelope.problem) : envelope;
    },
  });
  const asComail: Door = {
    name: "send",
    most: MAX_COMAIL,
    read: (bytes) => composeMessage(fromComail(comailMessage.parse(json(bytes))), clock.now()),
    answer: comailAnswer,
    refusal: comailRefusal,
  };
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    c.header("cache-control", "no-store");
    const address = clientOf(c, proxies);
    const refusal = guard.begin(address) ?? insecure(c, proxies, httpsOnly);
    if (refusal) return refuse(c, refusal);
    c.set("address", address);
    await next();
    guard.end(address, c.res.status);
  });

  app.onError((error, c) => {
    const words = wordsOf(error, c);
    if (words === undefined) {
      log.error({ err: error, path: c.req.path }, "a request for mail failed");
      return refuse(c, problem("busy", "It failed on our side; try again later"));
    }
    if (c.req.method === "POST") metrics.submissions.inc({ outcome: "refuse", reason: "malformed" });
    return refuse(c, problem("invalid-request", words.slice(0, 1_000)));
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
      return refuse(c, problem("invalid-request", text));
    }
    return give(c, await handIn(c, who, door));
  });

  app.get("/messages", async (c) => {
    const who = authenticate(basicLogin(c, c.get("address")));
    if ("code" in who) return refuse(c, who);
    const { before, limit } = listQuery.parse(c.req.query());
    const page = await spool.messages(who.member.did, { limit, ...(before && { before: Number(before) }) });
    return c.json(listView(page, limit));
  });

  app.get("/messages/:id", async (c) => {
    const who = authenticate(basicLogin(c, c.get("address")));
    if ("code" in who) return refuse(c, who);
    const message = await spool.message(c.req.param("id").slice(0, 64));
    if (!message || message.did !== who.member.did)
      return refuse(
        c,
        problem("not-found", "You have no such message; finished ones are forgotten after a month"),
      );
    return c.json(detailView(message, await spool.attempts(message.id)));
  });

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

function fromComail(message: ComailMessage): NewMessage {
  return { ...message, cc: [], bcc: [], attachments: [] };
}

function json(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

function refuse(c: Context, refusal: Refusal): Response {
  return give(c, c.req.path.endsWith("/send") ? comailRefusal(refusal) : refusalAnswer(refusal));
}

/** What is wrong with the request; undefined when it is a fault of ours. */
function wordsOf(error: Error, c: Context): string | undefined {
  if (error instanceof z.ZodError)
    return error.issues.map((i) => `${i.path.join(".") || "the message"}: ${i.message}`).join("; ");
  if (error instanceof SyntaxError) return "The body is not JSON";
  if (error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA")
    return "The body is not UTF-8";
  return c.req.raw.signal.aborted ? "The request broke off" : undefined;
}

function give(c: Context, { status, body, retryAfterS }: Answer): Response {
  if (retryAfterS !== undefined) c.header("retry-after", String(retryAfterS));
  if (status === 401) c.header("www-authenticate", 'Basic realm="Atmosphere Mail", charset="UTF-8"');
  return c.json(body, status);
}
