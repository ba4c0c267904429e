import { createHash } from "node:crypto";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import type { EventMaker } from "../event/index.ts";
import { DAY_MS, type Clock } from "../lib/clock.ts";
import { createRateTable } from "../lib/rate-table.ts";
import type { Logger } from "../platform/log.ts";
import type { UnsubscribeUrl } from "../relay/index.ts";
import type { Spool } from "../spool/index.ts";
import { createUnsubscribeTokens, type Unsubscriber } from "../suppression/index.ts";
import { renderUnsubscribe } from "../web/index.ts";
import { clientOf } from "./xrpc-client.ts";

export type UnsubscribeParts = {
  /** 32 octets. */
  key: Uint8Array;
  publicUrl: string;
  keyOf: (address: string) => string;
  spool: Pick<Spool, "appendEvents">;
  newEvent: EventMaker;
  clock: Clock;
};

export type Unsubscribe = ReturnType<typeof createUnsubscribe>;

/** One click for recipients of bulk mail (RFC 8058): the address in the header, and what it does. */
export function createUnsubscribe({ publicUrl, keyOf, spool, newEvent, clock, key }: UnsubscribeParts) {
  const tokens = createUnsubscribeTokens(key);
  const today = () => Math.floor(clock.now() / DAY_MS);
  const url: UnsubscribeUrl = ({ did, fromDomain: from, address }) => {
    const domain = address.slice(address.lastIndexOf("@") + 1);
    const token = tokens.make({ did, from, key: keyOf(address), domain, day: today() });
    return `${publicUrl}/u/${token}`;
  };
  return {
    url,
    read: (token: string): Unsubscriber | undefined => tokens.read(token, clock.now()),
    /**
     * Durable once resolved; core hears of it by an event, once for each message and minute, however often it is asked: who
     * asks again after a release is heard.
     */
    async act(token: string, { did, from, key: recipient, domain }: Unsubscriber): Promise<void> {
      const id = createHash("sha256").update(token).digest("base64url").slice(0, 22);
      const event = newEvent("recipient_unsubscribed", {
        dedupe_key: `unsubscribed:${id}:${Math.floor(clock.now() / MINUTE_MS)}`,
        member: { did, domain: from },
        recipient: { key: recipient, domain },
      });
      await spool.appendEvents([event]);
    },
  };
}

const MINUTE_MS = 60_000;
/** Of one client, and of one token: mail services ask for many recipients from few addresses. */
const OF_CLIENT = { limit: 1_200, periodMs: 60_000, burst: 600 };
const OF_TOKEN = { limit: 10, periodMs: 60_000, burst: 10 };
const MOST_KEYS = 20_000;
const MOST_BODY = 4_096;

/**
 * `GET /u/TOKEN` shows a page with a button and changes nothing, for link scanners follow every link. `POST` unsubscribes:
 * from the button, or from a mail program with `List-Unsubscribe=One-Click`; without cookies, without redirects.
 */
export function unsubscribePages(options: {
  unsubscribe: Unsubscribe;
  trusted: readonly string[];
  clock: Clock;
  log: Logger;
}): Hono {
  const { unsubscribe, clock, log } = options;
  const proxies = new Set(options.trusted);
  const clients = createRateTable(OF_CLIENT, MOST_KEYS);
  const tokens = createRateTable(OF_TOKEN, MOST_KEYS);
  const app = new Hono();

  app.use(
    secureHeaders({
      contentSecurityPolicy: { ...NOTHING_ELSE, formAction: ["'self'"] },
      referrerPolicy: "no-referrer",
      xFrameOptions: "DENY",
      strictTransportSecurity: false,
    }),
  );
  app.use(bodyLimit({ maxSize: MOST_BODY, onError: (c) => c.text("This is no such request.", 413) }));
  app.use(async (c, next) => {
    c.header("cache-control", "no-store");
    c.header("x-robots-tag", "noindex");
    const taken = clients.take(clientOf(c, proxies), clock.now());
    if (taken.ok) return next();
    return tooMany(c, taken.retryAfterMs);
  });
  app.onError((err, c) => {
    log.error({ err }, "somebody could not be unsubscribed");
    c.header("retry-after", "60");
    return page(c, { page: "failed" }, 503);
  });

  app.get("/:token", (c) => {
    const who = unsubscribe.read(c.req.param("token"));
    return who ? page(c, { page: "ask", from: who.from, domain: who.domain }, 200) : page(c, UNKNOWN, 404);
  });

  app.post("/:token", async (c) => {
    const token = c.req.param("token");
    const who = unsubscribe.read(token);
    if (!who) return page(c, UNKNOWN, 404);
    const fields = await c.req.parseBody().catch(() => ({}));
    if ((fields as Record<string, unknown>)["List-Unsubscribe"] !== "One-Click")
      return page(c, { page: "ask", from: who.from, domain: who.domain }, 400);
    const taken = tokens.take(token, clock.now());
    if (!taken.ok) return tooMany(c, taken.retryAfterMs);
    await unsubscribe.act(token, who);
    return page(c, { page: "done", from: who.from, domain: who.domain }, 200);
  });

  app.all("/:token", (c) => {
    c.header("allow", "GET, HEAD, POST");
    return c.text("Only GET and POST are answered here.", 405);
  });
  app.all("*", (c) => page(c, UNKNOWN, 404));
  return app;
}

function tooMany(c: Context, retryAfterMs: number): Response {
  c.header("retry-after", String(Math.ceil(Math.min(retryAfterMs, 3_600_000) / 1_000)));
  return c.text("Too many requests at once; try again in a moment.", 429);
}

async function page(
  c: Context,
  shown: Parameters<typeof renderUnsubscribe>[0],
  status: 200 | 400 | 404 | 503,
): Promise<Response> {
  return c.html(await renderUnsubscribe(shown), status);
}

const UNKNOWN = { page: "unknown" } as const;
const NOTHING_ELSE = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  scriptSrc: ["'self'"],
  fontSrc: ["'self'"],
  imgSrc: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};
