import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { LEXICON_AUTHORITY } from "../attestation/index.ts";

/** Why a method was not done: a name for programs, and a sentence for people. */
export class Fault {
  readonly status: ContentfulStatusCode;
  readonly error: string;
  readonly message: string;
  constructor(status: ContentfulStatusCode, error: string, message: string) {
    this.status = status;
    this.error = error;
    this.message = message;
  }
}

type Verb = "GET" | "POST";
/** `input`: the parameters of a query as they stand in its address, or the body of a procedure. Answers JSON, or a response. */
type Act<W> = (who: W, input: unknown) => Promise<object>;
/** A reader as generated from a lexicon. */
export type Reader<T> = {
  safeParse(value: unknown): { success: true; value: T } | { success: false; reason: Error };
};
export type QueryReader<T> = { fromURLSearchParams(input: Iterable<[string, string]>): T };

type MethodParts<W> = {
  /** NSID authority under which our lexicons are published. The methods are at `community.email.*` too. */
  authority: string;
  /** Whether a client may call now, before anything is read of what it sends. */
  mayCall: (c: Context) => boolean;
  /** Who calls the method `nsid`. */
  caller: (c: Context, nsid: string) => Promise<W | Fault>;
};

const MAX_BODY = 32 * 1024;
const TOO_LONG = new Fault(413, "PayloadTooLarge", "This is longer than any request here.");
const TOO_MANY = "Too many requests from your address. Come again in a minute.";

class Invalid extends Error {}

/** Serves XRPC methods that are done in somebody's name. */
export function methodServer<W extends object>({ authority, mayCall, caller }: MethodParts<W>) {
  const app = new Hono();
  const names = new Set([authority, LEXICON_AUTHORITY]);

  async function answer(c: Context, nsid: string, verb: Verb, act: Act<W>): Promise<object> {
    if (c.req.method !== verb) return new Fault(405, "InvalidRequest", `Ask with ${verb}.`);
    if (!mayCall(c)) return tooMany(TOO_MANY);
    const who = await caller(c, nsid);
    if (who instanceof Fault) return who;
    const input = verb === "GET" ? new URL(c.req.url).searchParams : bodyIn(await c.req.text());
    try {
      return await act(who, input);
    } catch (error) {
      if (error instanceof Invalid) return new Fault(400, "InvalidRequest", error.message);
      throw error;
    }
  }

  return {
    app,
    names,
    serve(name: string, verb: Verb, act: Act<W>): void {
      for (const prefix of names) {
        const nsid = `${prefix}.${name}`;
        const path = `/xrpc/${nsid}`;
        app.use(path, cors({ allowHeaders: ["authorization", "content-type"] }));
        app.use(path, bodyLimit({ maxSize: MAX_BODY, onError: (c) => say(c, TOO_LONG) }));
        app.all(path, async (c) => say(c, await answer(c, nsid, verb, act)));
      }
    },
  };
}

/** No body at all is one without fields; what is no JSON is nothing. */
function bodyIn(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const tooMany = (message: string) => new Fault(429, "RateLimitExceeded", message);

/** The body of a procedure; what does not fit its lexicon is answered with `InvalidRequest`. */
export function read<T>(reader: Reader<T>, value: unknown): T {
  const parsed = reader.safeParse(value);
  if (parsed.success) return parsed.value;
  throw new Invalid(parsed.reason.message.slice(0, 500));
}

/** The parameters of a query. */
export function readQuery<T>(reader: QueryReader<T>, search: unknown): T {
  try {
    return reader.fromURLSearchParams(search as URLSearchParams);
  } catch (error) {
    throw new Invalid((error instanceof Error ? error.message : "Bad parameters.").slice(0, 500));
  }
}

function say(c: Context, answer: object): Response {
  if (answer instanceof Response) {
    answer.headers.set("cache-control", "no-store");
    return answer;
  }
  c.header("cache-control", "no-store");
  if (!(answer instanceof Fault)) return c.json(answer);
  const { status, error, message } = answer;
  if (status === 429) c.header("retry-after", "60");
  return c.json({ error, message }, status);
}
