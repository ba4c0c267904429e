import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import {
  CALLBACK_PATH,
  KEYS_PATH,
  METADATA_PATH,
  type Login,
  type People,
  type PersonRole,
  type SessionResult,
  type Sessions,
} from "../account/index.ts";
import type { Clock } from "../lib/clock.ts";
import { secureRandom } from "../lib/ids.ts";
import { joinRoutes } from "./join.ts";
import type { JoinPages } from "./join-view.ts";
import { JOIN_PATH, LOGIN_PATH, ME_PATH, memberPath } from "./paths.ts";
import type { Rendered } from "./render.tsx";
import { homeOf, isOwnRequest, ownPath, type Identity } from "./session.ts";

export type AccountOptions = {
  login: Login;
  /** Whether whoever asks may begin a login now. */
  mayBegin: (c: Context) => boolean;
  /** Accounts that are the committee. */
  committee: readonly string[];
  /** The name of a member as people know it; null: it is none. */
  memberName: (did: string) => string | null;
  /** The attestation of a domain was written into the repository of `did`. */
  written: (did: string, domain: string) => Promise<void>;
};

type AccountRoutes = {
  account: AccountOptions;
  /** The way to become a member. */
  join?: JoinPages | undefined;
  sessions: Sessions;
  people: People;
  clock: Clock;
  publicUrl: string;
  session: (c: Context) => SessionResult;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404 | 409 | 429) => Promise<Response>;
  begin: (c: Context, identity: Identity) => void;
};

/** What somebody reads about itself. */
export type MeView = {
  did: string;
  members: { did: string; name: string; role: PersonRole }[];
  sessions: { id: string; beganAt: number; seenAt: number; browser: string; isThis: boolean }[];
};

const COOKIE = "atmos-login";
const BROWSER_BYTES = 32;
const PENDING_SECONDS = 3_600;
const MAX_BODY = 16 * 1024;
const LONGEST_QUERY = 8_000;
const TOO_MANY = "Too many logins from your network. Try again in a minute.";

const BeginForm = z.object({
  account: z.string().trim().min(1).max(300),
  next: z.string().max(500).optional(),
});

/** `/login` with an account, `/oauth/*`, and `/me`. */
export function accountRoutes(options: AccountRoutes): Hono {
  const { account, sessions, people, clock, publicUrl, session, answer, begin } = options;
  const { login } = account;
  const secure = new URL(publicUrl).protocol === "https:";
  const cookieName = secure ? `__Host-${COOKIE}` : COOKIE;
  const app = new Hono();
  const isOurs = (c: Context) =>
    isOwnRequest({ origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") }, publicUrl);

  app.get(METADATA_PATH, (c) => c.json(login.metadata));
  app.get(KEYS_PATH, (c) => c.json(login.jwks));

  app.get(LOGIN_PATH, async (c, next) => {
    if (c.req.query("token") !== undefined) return next();
    const asked = ownPath(c.req.query("next"), publicUrl, "");
    const now = session(c);
    if (now.ok) return c.redirect(asked || firstPage(now.session.identity), 303);
    return answer(c, { page: "log-in", next: asked, account: "", fault: null });
  });

  app.post(LOGIN_PATH, bodyLimit({ maxSize: MAX_BODY, onError: tooLong }), async (c, next) => {
    const body = await c.req.parseBody();
    if (body["token"] !== undefined) return next();
    if (!isOurs(c)) return answer(c, { page: "foreign" }, 403);
    const form = BeginForm.safeParse(body);
    const asked = ownPath(form.data?.next, publicUrl, "");
    const typed = form.data?.account ?? "";
    const fault = (why: string, status: 400 | 429) =>
      answer(c, { page: "log-in", next: asked, account: typed, fault: why }, status);
    if (!form.success) return fault("Type a handle like ada.example, or a DID.", 400);
    if (!account.mayBegin(c)) return fault(TOO_MANY, 429);
    const begun = await onward(c, { account: typed, purpose: { kind: "login" }, next: asked });
    return "error" in begun
      ? fault(wordsOf(begun, typed), 400)
      : answer(c, { page: "onward", url: begun.url });
  });

  app.get(CALLBACK_PATH, async (c) => {
    const query = new URL(c.req.url).search;
    if (query.length > LONGEST_QUERY) return answer(c, { page: "not-found" }, 404);
    const result = await login.finish(new URLSearchParams(query), getCookie(c, cookieName));
    const next = ownPath(result.next, publicUrl, "");
    if ("error" in result)
      return answer(c, { page: "login-failed", why: result.why, purpose: result.purpose, next }, 403);
    deleteCookie(c, cookieName, { path: "/", secure });
    if (result.purpose === "login") begin(c, { role: "person", did: result.did });
    else await account.written(result.did, result.rkey);
    return c.redirect(next || firstPage(identityOf(result.did)), 303);
  });

  app.get(ME_PATH, async (c) => {
    const now = session(c);
    if (!now.ok) return c.redirect(LOGIN_PATH, 303);
    const { identity, did, id } = now.session;
    if (did === null) return c.redirect(homeOf(identity), 303);
    return answer(c, { page: "me", view: meOf(did, id) });
  });

  app.post(`${ME_PATH}/sessions`, bodyLimit({ maxSize: MAX_BODY, onError: tooLong }), async (c) => {
    if (!isOurs(c)) return answer(c, { page: "foreign" }, 403);
    const now = session(c);
    if (!now.ok || now.session.did === null) return answer(c, { page: "not-found" }, 404);
    const { did, id } = now.session;
    const { end } = await c.req.parseBody();
    if (end === "others") sessions.endOf(did, { keep: id });
    else if (typeof end === "string") sessions.endOf(did, { id: end });
    return c.redirect(ME_PATH, 303);
  });

  if (options.join) {
    const { join } = options;
    const identityNow = (c: Context) => {
      const now = session(c);
      return now.ok ? now.session.identity : null;
    };
    const attest: Parameters<typeof joinRoutes>[0]["attest"] = async (c, { did, rkey, record }) => {
      if (!account.mayBegin(c)) return answer(c, { page: "not-done", why: TOO_MANY, back: JOIN_PATH }, 429);
      const begun = await onward(c, {
        account: did,
        purpose: { kind: "attest", did, rkey, record },
        next: JOIN_PATH,
      });
      if (!("error" in begun)) return answer(c, { page: "onward", url: begun.url });
      return answer(c, { page: "not-done", why: wordsOf(begun, did), back: JOIN_PATH }, 400);
    };
    app.route("/", joinRoutes({ join, publicUrl, identityOf: identityNow, answer, attest }));
  }

  return app;

  /** Remembers the browser, and gives the page of the person's own server. A page of ours comes between: our policy lets no form lead to another site. */
  async function onward(c: Context, ask: Omit<Parameters<Login["begin"]>[0], "browser">) {
    const browser = Buffer.from(secureRandom(BROWSER_BYTES)).toString("base64url");
    const begun = await login.begin({ ...ask, browser });
    if (!("error" in begun)) {
      setCookie(c, cookieName, browser, {
        httpOnly: true,
        sameSite: "Lax",
        secure,
        path: "/",
        maxAge: PENDING_SECONDS,
      });
    }
    return begun;
  }

  function identityOf(did: string): Identity {
    return account.committee.includes(did) ? { role: "committee", by: did } : { role: "person", did };
  }

  /** Where somebody begins who asked for no page. */
  function firstPage(identity: Identity): string {
    if (identity.role !== "person") return homeOf(identity);
    const [first, ...others] = membersOf(identity.did);
    if (first === undefined) return options.join ? JOIN_PATH : ME_PATH;
    return others.length > 0 ? ME_PATH : memberPath(first.did);
  }

  function membersOf(did: string): MeView["members"] {
    const own = account.memberName(did);
    const others = people.membersOf(did).flatMap(({ did: member, role }) => {
      const name = account.memberName(member);
      return name === null ? [] : [{ did: member, name, role }];
    });
    return [...(own === null ? [] : [{ did, name: own, role: "owner" as const }]), ...others];
  }

  function meOf(did: string, current: string): MeView {
    return {
      did,
      members: membersOf(did),
      sessions: sessions.of(did, clock.now()).map(({ id, beganAt, seenAt, browser }) => ({
        id,
        beganAt,
        seenAt,
        browser,
        isThis: id === current,
      })),
    };
  }
}

function wordsOf({ error, why }: { error: string; why: string }, account: string): string {
  if (error === "not-an-account") return why;
  return `${account} was not found, or its server did not answer as it should: ${why}. Check the spelling, and that you can log in there with other applications.`;
}

function tooLong(c: Context): Response {
  return c.text("This is longer than any form here.", 413);
}
