import { Hono, type Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { compress } from "hono/compress";
import { secureHeaders } from "hono/secure-headers";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import { allowlistRoutes } from "./allowlist.ts";
import type { AllowlistPages } from "./view-allowlist.ts";
import { assets } from "./assets/index.ts";
import { renderPage, type Rendered } from "./render.tsx";
import { CHECK_PATH, COMMITTEE_PATH, EGRESS_PATH, LOGOUT_PATH, MEMBERS_PATH, RULES_PATH } from "./paths.ts";
import {
  roleOf as roleIn,
  SESSION_LIFETIME_MS,
  type People,
  type SessionResult,
  type Sessions,
} from "../account/index.ts";
import { accountRoutes, type AccountOptions } from "./account.ts";
import { isOwnRequest, mayView, type Identity, type Page } from "./session.ts";
import { exportRoutes } from "./export.ts";
import { formRoutes } from "./forms.ts";
import { liveRoutes, type LiveOptions } from "./live.ts";
import { messageRoutes } from "./messages.ts";
import { portalRoutes } from "./portal.ts";
import type { PortalPages, PortalRole } from "./view-portal.ts";
import { leaveRoutes } from "./leave.ts";
import { loginRoutes } from "./login.ts";
import type { JoinPages } from "./join-view.ts";
import type { InboxPages } from "./inbox-view.ts";
import { inboxRoutes } from "./inbox.ts";
import type { ProviderPages } from "./provider-view.ts";
import { providerRoutes } from "./providers.ts";
import type { ReportPages } from "./report-view.ts";
import { reportRoutes } from "./reports.ts";
import type { RulesView } from "./rules-view.ts";
import type { SuppressionPages } from "./suppression-view.ts";
import { suppressionRoutes } from "./suppressions.ts";
import { vouchRoutes } from "./vouches.ts";
import type { UsedLinks } from "./used-links.ts";
import type { ExportPages } from "./view-export.ts";
import type { LeavePages } from "./view-leave.ts";
import type { VouchPages } from "./view-vouch.ts";
import type { CheckAnswer, MessagePages, WebActions, WebQueries } from "./view.ts";

export type WebOptions = {
  queries: WebQueries;
  /** What forms do. Absent, there are no forms to send. */
  actions?: WebActions;
  /** What members sent, to be searched. Absent where no relay runs. */
  messages?: MessagePages;
  /** Tells open pages of a member that there is news. Absent, they ask by themselves now and then. */
  live?: LiveOptions;
  /** The pages of a member beside its overview, and what their forms do. */
  portal?: PortalPages;
  /** The committee's inbox. */
  inbox?: InboxPages;
  /** The pages of what mailbox providers say. */
  providers?: ProviderPages;
  /** What members take along. */
  exports?: ExportPages;
  /** Leaving, and deletion of what is kept. */
  leaving?: LeavePages;
  /** For whom members speak. */
  vouches?: VouchPages;
  /** What others report of members' domains. */
  reports?: ReportPages;
  /** The pages of suppressed recipients. */
  suppressions?: SuppressionPages;
  /** 32 bytes or more; signs access links. */
  sessionKey: Uint8Array;
  usedLinks: UsedLinks;
  sessions: Sessions;
  /** Who acts for which member. */
  people: People;
  /** Log-in with an account of one's own. Absent, there are links only. */
  account?: AccountOptions;
  /** Becoming a member, for whoever is logged in. */
  join?: JoinPages;
  clock: Clock;
  /** Origin under which browsers reach the pages. With `https:` cookies are `Secure`. */
  publicUrl: string;
  log: Logger;
  /** Looks at a domain for a visitor, within bounds. Absent where no labeler runs. */
  check?: (c: Context, domain: string) => Promise<CheckAnswer>;
  /** The allowlist. Absent where no zone is published. */
  allowlist?: AllowlistPages;
  /** The rules in force. Absent where none are open. */
  rules?: () => RulesView;
};

const COOKIE = "atmos-session";
const LONGEST_DID = 2_048;
const LONGEST_SUBJECT = 3_000;

/**
 * The pages: `/`, `/labels/*`, `/committee` and its two lists, `/members/:did`, `/login`, `/logout` and `/assets/*`. Every other path is a page that
 * says there is none, so mount it after everything else.
 */
export function createWeb(options: WebOptions): Hono {
  const { queries, sessions, people, clock, publicUrl, log } = options;
  const secure = new URL(publicUrl).protocol === "https:";
  const cookieName = secure ? `__Host-${COOKIE}` : COOKIE;
  const app = new Hono();

  const session = (c: Context): SessionResult => sessions.read(getCookie(c, cookieName), clock.now());
  const identityOf = (c: Context): Identity | null => {
    const result = session(c);
    return result.ok ? result.session.identity : null;
  };
  const answer = async (c: Context, page: Rendered, status: 200 | 400 | 403 | 404 | 409 | 429 | 500 = 200) =>
    c.html(await renderPage(page, identityOf(c)), status);

  app.use(secureHeaders(HEADERS));
  app.use(compress());
  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });
  app.route("/assets", assets());

  app.get("/", async (c) => {
    const page = await answer(c, { page: "overview", view: await queries.publicOverview() });
    page.headers.set("cache-control", "private, no-cache");
    return page;
  });

  app.get("/labels/:subject{.+}", async (c) => {
    const subject = c.req.param("subject");
    const view = subject.length <= LONGEST_SUBJECT ? await queries.label(subject, c.req.query("val")) : null;
    return view === null ? answer(c, { page: "not-found" }, 404) : answer(c, { page: "label", view });
  });

  app.get(CHECK_PATH, async (c) => {
    if (!options.check) return answer(c, { page: "not-found" }, 404);
    const asked = c.req.query("domain");
    return answer(c, {
      page: "check",
      answer: asked === undefined ? null : await options.check(c, asked),
      url: publicUrl,
    });
  });

  if (options.allowlist) app.route("/", allowlistRoutes({ allowlist: options.allowlist, publicUrl, answer }));
  const { rules } = options;
  if (rules) app.get(RULES_PATH, (c) => answer(c, { page: "rules", view: rules() }));

  app.get(COMMITTEE_PATH, async (c) => {
    const refused = await refuse(c, { page: "committee" });
    return refused ?? answer(c, { page: "committee", view: await queries.committeeOverview() });
  });

  app.get(MEMBERS_PATH, async (c) => {
    const refused = await refuse(c, { page: "committee" });
    if (refused) return refused;
    const view = await queries.committeeOverview();
    return answer(c, { page: "committee-members", view, asked: pageAsked(c) });
  });

  app.get(EGRESS_PATH, async (c) => {
    const refused = await refuse(c, { page: "committee" });
    if (refused) return refused;
    const { egress: view } = await queries.committeeOverview();
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "committee-egress", view, asked: pageAsked(c) });
  });

  app.get("/members/:did", async (c) => {
    const did = c.req.param("did");
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = did.length <= LONGEST_DID ? await queries.member(did) : null;
    if (view === null) return answer(c, { page: "not-found" }, 404);
    return answer(c, { page: "member", view, role: roleOf(c, did) });
  });

  const { actions } = options;
  if (actions) app.route("/", formRoutes({ actions, publicUrl, identityOf, answer, refuse }));

  const { portal, suppressions, inbox, providers } = options;
  if (options.messages) {
    const { messages } = options;
    app.route("/", messageRoutes({ messages, suppressions, publicUrl, answer, refuse, roleOf }));
  }
  if (options.live) {
    const listenerOf = (c: Context) => JSON.stringify(identityOf(c));
    app.route("/", liveRoutes({ ...options.live, refuse, listenerOf }));
  }
  if (portal) app.route("/", portalRoutes({ portal, publicUrl, identityOf, answer, refuse, roleOf }));
  if (providers) app.route("/", providerRoutes({ providers, answer, refuse }));
  if (inbox) app.route("/", inboxRoutes({ inbox, publicUrl, identityOf, answer, refuse }));
  if (options.exports)
    app.route("/", exportRoutes({ exports: options.exports, people, publicUrl, identityOf, answer, refuse }));
  if (options.leaving)
    app.route("/", leaveRoutes({ leaving: options.leaving, people, publicUrl, identityOf, answer, refuse }));
  if (options.vouches)
    app.route("/", vouchRoutes({ vouches: options.vouches, people, publicUrl, identityOf, answer, refuse }));
  if (options.reports) app.route("/", reportRoutes({ reports: options.reports, answer, refuse }));
  if (suppressions)
    app.route("/", suppressionRoutes({ suppressions, publicUrl, identityOf, answer, refuse }));

  if (options.account)
    app.route("/", accountRoutes({ ...options, account: options.account, session, answer, begin }));
  app.route("/", loginRoutes({ ...options, now: () => clock.now(), identityOf, answer, begin }));

  app.post(LOGOUT_PATH, async (c) => {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    sessions.end(getCookie(c, cookieName));
    deleteCookie(c, cookieName, { path: "/", secure });
    return c.html(await renderPage({ page: "logged-out" }, null));
  });

  app.all("*", (c) => answer(c, { page: "not-found" }, 404));
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, "a page failed");
    return answer(c, { page: "failure" }, 500);
  });
  return app;

  /** A login makes another session, whatever the browser had before. */
  function begin(c: Context, identity: Identity): void {
    sessions.end(getCookie(c, cookieName));
    const secret = sessions.begin(identity, clock.now(), c.req.header("user-agent"));
    setCookie(c, cookieName, secret, {
      httpOnly: true,
      sameSite: "Lax",
      secure,
      path: "/",
      maxAge: SESSION_LIFETIME_MS / 1_000,
    });
  }

  /** As whom somebody looks who may look; the least where that is not known. */
  function roleOf(c: Context, did: string): PortalRole {
    return roleIn(identityOf(c), did, people.roleOf) ?? "viewer";
  }

  async function refuse(c: Context, page: Page): Promise<Response | null> {
    const result = session(c);
    const verdict = mayView(result.ok ? result.session.identity : null, page, people.roleOf);
    if (verdict === "yes") return null;
    if (verdict === "not-found") return answer(c, { page: "not-found" }, 404);
    if (verdict === "forbidden") return answer(c, { page: "forbidden" }, 403);
    const next = c.req.method === "GET" && options.account ? c.req.path : undefined;
    return answer(c, { page: "login", reason: result.ok ? "absent" : result.reason, next }, 403);
  }
}

/** The page of a list that is asked for, from 1; whatever is no number is the first. */
function pageAsked(c: Context): number {
  const asked = c.req.query("page") ?? "";
  return /^[1-9]\d{0,5}$/.test(asked) ? Number(asked) : 1;
}

const HEADERS: Parameters<typeof secureHeaders>[0] = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    scriptSrc: ["'self'"],
    fontSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  // Without a referrer a browser names no origin when it sends our own forms over plain HTTP.
  referrerPolicy: "same-origin",
  xContentTypeOptions: "nosniff",
  xFrameOptions: "DENY",
  crossOriginOpenerPolicy: "same-origin",
  crossOriginResourcePolicy: "same-origin",
  strictTransportSecurity: false,
};
