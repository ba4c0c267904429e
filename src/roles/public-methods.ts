import { Hono, type Context } from "hono";
import { cors } from "hono/cors";
import { LEXICON_AUTHORITY } from "../attestation/index.ts";
import type { PublicChecks } from "./public-checks.ts";

export type Fault = { status: 400 | 405 | 429 | 503; error: string; message: string; retryAfterMs?: number };
type Answer = { body: object } | Fault;
export type Method<P> = {
  params: { fromURLSearchParams(input: Iterable<[string, string]>): P };
  cost: number;
  run(params: P): Answer | Promise<Answer>;
};

/** Serves XRPC queries that anybody may ask, within bounds. */
export function publicMethods({ authority, checks }: { authority: string; checks: PublicChecks }) {
  const app = new Hono();

  function serve<P>(name: string, method: Method<P>): void {
    for (const prefix of new Set([authority, LEXICON_AUTHORITY])) {
      const path = `/xrpc/${prefix}.${name}`;
      app.use(path, cors());
      app.all(path, async (c) => respond(c, await answer(c, method)));
    }
  }

  async function answer<P>(c: Context, method: Method<P>): Promise<Answer> {
    if (c.req.method !== "GET" && c.req.method !== "HEAD")
      return { status: 405, error: "InvalidRequest", message: "This is a query: ask with GET" };
    const taken = checks.take(c, method.cost);
    if (!taken.ok) {
      const message = "Too many requests from your address. Come again a little later.";
      return { status: 429, error: "RateLimitExceeded", message, retryAfterMs: taken.retryAfterMs };
    }
    let params: P;
    try {
      params = method.params.fromURLSearchParams(new URL(c.req.url).searchParams);
    } catch (error) {
      return invalid(error instanceof Error ? error.message : "The parameters cannot be read");
    }
    return method.run(params);
  }

  return { app, serve };
}

function respond(c: Context, answer: Answer): Response {
  if ("body" in answer) return c.json(answer.body);
  const { status, error, message, retryAfterMs } = answer;
  if (retryAfterMs !== undefined) c.header("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  return c.json({ error, message }, status);
}

export function invalid(message: string): Fault {
  return { status: 400, error: "InvalidRequest", message: message.slice(0, 500) };
}
