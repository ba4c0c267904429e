import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { LOGIN_PATH } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import {
  homeOf,
  isOwnRequest,
  readToken,
  type Identity,
  type LinkIdentity,
  type TokenResult,
} from "./session.ts";
import type { UsedLinks } from "./used-links.ts";

type LoginOptions = {
  sessionKey: Uint8Array;
  usedLinks: UsedLinks;
  now: () => number;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 403) => Promise<Response>;
  /** Gives the browser its session. */
  begin: (c: Context, identity: Identity) => void;
};

const MAX_BODY = 16 * 1024;

/**
 * `/login`: a link shows a page with one button, and only the button uses it up. Programs that look at links before
 * people do (chat previews, scanners of mail) ask with GET or HEAD, and change nothing.
 */
export function loginRoutes(options: LoginOptions): Hono {
  const { sessionKey, usedLinks, now, publicUrl, identityOf, answer, begin } = options;
  const app = new Hono();
  const read = (token: string | undefined): Exclude<TokenResult, { ok: true }> | OneTime => {
    const link = readToken(sessionKey, "link", token, now());
    if (!link.ok) return link;
    return link.nonce === null ? { ok: false, reason: "malformed" } : { ...link, nonce: link.nonce };
  };

  app.get(LOGIN_PATH, async (c) => {
    const token = c.req.query("token") ?? "";
    const link = read(token);
    if (!link.ok) return answer(c, { page: "login", reason: link.reason }, 403);
    const usedAt = usedLinks.usedAt(link.nonce);
    if (usedAt === undefined) return answer(c, { page: "open-link", token, ...link });
    // Whom it let in may press it again.
    if (isSame(identityOf(c), link.identity)) return c.redirect(homeOf(link.identity), 303);
    return answer(c, { page: "login", reason: "used", usedAt }, 403);
  });

  app.post(LOGIN_PATH, bodyLimit({ maxSize: MAX_BODY, onError: tooLong }), async (c) => {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    const { token } = await c.req.parseBody();
    const link = read(typeof token === "string" ? token : undefined);
    if (!link.ok) return answer(c, { page: "login", reason: link.reason }, 403);
    const usedAt = usedLinks.use(link.nonce, link.expiresAt, now());
    if (usedAt !== undefined && !isSame(identityOf(c), link.identity))
      return answer(c, { page: "login", reason: "used", usedAt }, 403);
    if (usedAt === undefined) begin(c, link.identity);
    return c.redirect(homeOf(link.identity), 303);
  });

  return app;
}

type OneTime = Extract<TokenResult, { ok: true }> & { nonce: string };

function isSame(session: Identity | null, link: LinkIdentity): boolean {
  if (session?.role === "member" && link.role === "member") return session.did === link.did;
  return session?.role === "committee" && link.role === "committee" && session.by === link.by;
}

function tooLong(c: Context): Response {
  return c.text("This is longer than any form here.", 413);
}
