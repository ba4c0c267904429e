import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { PERSON_ROLES, TOKEN_DAYS, TOKEN_SCOPES } from "../account/index.ts";
import { STREAMS } from "../policy/index.ts";
import type { PortalShown } from "./pages/portal.tsx";
import {
  credentialsPath,
  domainAnchor,
  domainRemovalPath,
  domainsPath,
  memberPath,
  settingsPath,
  testPath,
  tokensPath,
  webhooksPath,
} from "./paths.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Identity, type Page } from "./session.ts";
import type { PortalPages, PortalResult, PortalRole } from "./view-portal.ts";

type PortalRoutes = {
  portal: PortalPages;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 400 | 403 | 404 | 409) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
  /** As whom somebody looks who may. */
  roleOf: (c: Context, did: string) => PortalRole;
};

const MAX_BODY = 16 * 1024;
const LONGEST_DID = 2_048;
const text = (most: number) => z.string().trim().max(most);
const several = <T extends z.ZodType>(of: T) =>
  z.preprocess((given) => (given === undefined ? [] : [given].flat()), z.array(of).max(50));
const cap = z
  .union([z.literal("").transform(() => null), z.coerce.number().int().min(1).max(1_000_000)])
  .default(null);

const Nothing = z.object({});
const DomainForm = z.object({ domain: text(300).min(1, "Type a domain.") });
const KeysForm = z.object({ how: z.enum(["rotate", "cancel", "now"]) });
const RemovalForm = z.object({ sure: text(300).min(1, "Say that you have read what ends with it.") });
const CredentialForm = z.object({
  name: text(60).min(1, "Give it a name."),
  domains: several(text(300)).refine((all) => all.length > 0, "Choose one of your domains at least."),
  streams: several(z.enum(STREAMS)).refine((all) => all.length > 0, "Choose a stream at least."),
  hourly: cap,
  daily: cap,
});
const WebhookForm = z.object({ url: text(2_000).min(1, "Type an address.") });
const TokenForm = z.object({
  name: text(64).min(1, "Give it a name."),
  scopes: several(z.enum(TOKEN_SCOPES)).refine((all) => all.length > 0, "Choose what it may do."),
  days: z.coerce.number().int().min(1).max(TOKEN_DAYS.most).default(TOKEN_DAYS.usual),
});
/** Without a domain: an address to send to. */
const TestForm = z.object({ domain: text(300).default("") });
const BouncesForm = z.object({ to: z.enum(["sender", "address", "nobody"]), address: text(320).default("") });
const RepliesForm = z.object({ address: text(320).default("") });
const PersonForm = z.object({ account: text(300).min(1, "Type a handle."), role: z.enum(PERSON_ROLES) });
const FormerForm = z.object({ person: text(300).min(1) });
const WordsForm = z.object({ words: text(2_000).min(1, "Say it in words.") });

const didOf = (c: Context) => (c.req.param("did") ?? "").slice(0, LONGEST_DID);
const nameOf = (c: Context) => c.req.param("domain") ?? "";
const toDomain = (c: Context, did: string) => `${domainsPath(did)}#${domainAnchor(nameOf(c))}`;
const toCredentials = (_: Context, did: string) => credentialsPath(did);
const toWebhooks = (_: Context, did: string) => webhooksPath(did);
const toTokens = (_: Context, did: string) => tokensPath(did);
const toSettings = (_: Context, did: string) => settingsPath(did);
const toTests = (_: Context, did: string) => testPath(did);
const toOverview = (_: Context, did: string) => `${memberPath(did)}#changes`;

/** The pages of a member beside its overview, and what their forms send: only from our own pages, by whom the role lets. */
export function portalRoutes(options: PortalRoutes): Hono {
  const { portal, publicUrl, identityOf, answer, refuse, roleOf } = options;
  const app = new Hono();

  /** Shows a part; null: there is no such member or thing. */
  function page(view: (c: Context, did: string) => Promise<PortalShown | { refused: string } | null>) {
    return async (c: Context) => {
      const did = didOf(c);
      const refused = await refuse(c, { page: "member", did });
      if (refused) return refused;
      const shown = await view(c, did);
      if (shown === null) return answer(c, { page: "not-found" }, 404);
      if ("refused" in shown)
        return answer(c, { page: "not-done", why: shown.refused, back: memberPath(did) }, 409);
      return answer(c, { page: "portal", shown, role: roleOf(c, did) });
    };
  }

  /** Does what a form says, and goes back to its page; or shows what is to be seen once. */
  function form<S extends z.ZodType>(
    schema: S,
    back: (c: Context, did: string) => string,
    act: (did: string, fields: z.infer<S>, by: string, c: Context) => Promise<PortalResult | PortalShown>,
    needs: "manager" | "owner" = "manager",
  ) {
    return async (c: Context) => {
      const did = didOf(c);
      const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
      if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
      const refused = await refuse(c, { page: "member", did, needs });
      if (refused) return refused;
      const path = back(c, did);
      const notDone = (why: string, status: 400 | 409) =>
        answer(c, { page: "not-done", why, back: path }, status);
      const fields = schema.safeParse(await c.req.parseBody({ all: true }));
      if (!fields.success) return notDone(faultsOf(fields.error), 400);
      const result = await act(did, fields.data, nameOfActor(identityOf(c)), c);
      if ("refused" in result) return notDone(result.refused, 409);
      if ("part" in result) return answer(c, { page: "portal", shown: result, role: roleOf(c, did) });
      return c.redirect(path, 303);
    };
  }

  const at = "/members/:did";
  app.use(`${at}/*`, bodyLimit({ maxSize: MAX_BODY, onError: tooLong }));

  app.get(
    `${at}/domains`,
    page(async (c, did) => {
      const asked = { claim: c.req.query("domain")?.slice(0, 300), look: c.req.query("look")?.slice(0, 300) };
      const view = await portal.domains(did, asked);
      return view === null || "refused" in view ? view : { part: "domains", view };
    }),
  );
  app.post(
    `${at}/domains`,
    form(
      DomainForm,
      (_, did) => domainsPath(did),
      (did, { domain }) => portal.addDomain(did, domain),
    ),
  );
  app.post(
    `${at}/domains/:domain/keys`,
    form(KeysForm, toDomain, (did, { how }, _, c) => portal.turnKeys(did, nameOf(c), how)),
  );
  app.get(
    `${at}/domains/:domain/remove`,
    page(async (c, did) => {
      const view = await portal.removal(did, nameOf(c));
      return view && { part: "removal", view };
    }),
  );
  app.post(
    `${at}/domains/:domain/remove`,
    form(
      RemovalForm,
      (_, did) => domainsPath(did),
      async (did, { sure }, by, c) =>
        sure === nameOf(c)
          ? portal.removeDomain(did, nameOf(c), by)
          : { refused: `Say that you have read what ends with it: ${domainRemovalPath(did, nameOf(c))}` },
    ),
  );

  app.get(
    `${at}/credentials`,
    page(async (_, did) => {
      const view = await portal.credentials(did);
      return view && { part: "credentials", view };
    }),
  );
  app.post(
    `${at}/credentials`,
    form(CredentialForm, toCredentials, async (did, wish) => {
      const made = await portal.makeCredential(did, wish);
      return "refused" in made ? made : { part: "issued", did, credential: made.credential };
    }),
  );
  app.post(
    `${at}/credentials/:id/revoke`,
    form(Nothing, toCredentials, (did, _, by, c) =>
      portal.revokeCredential(did, c.req.param("id") ?? "", by),
    ),
  );

  app.get(
    `${at}/webhooks`,
    page(async (_, did) => {
      const view = await portal.webhooks(did);
      return view === null || "refused" in view ? view : { part: "webhooks", view, tested: null };
    }),
  );
  app.post(
    `${at}/webhooks`,
    form(WebhookForm, toWebhooks, async (did, { url }, by) => {
      const set = await portal.setWebhook(did, url, by);
      return "refused" in set ? set : { part: "webhook-secret", did, ...set };
    }),
  );
  app.post(
    `${at}/webhooks/remove`,
    form(Nothing, toWebhooks, (did, _, by) => portal.removeWebhook(did, by)),
  );
  app.post(
    `${at}/webhooks/test`,
    form(Nothing, toWebhooks, async (did) => {
      const tested = await portal.testWebhook(did);
      if ("refused" in tested) return tested;
      const view = await portal.webhooks(did);
      if (view === null || "refused" in view) return view ?? { refused: "There is no such member." };
      return { part: "webhooks", view, tested };
    }),
  );

  app.get(
    `${at}/tokens`,
    page(async (_, did) => {
      const view = await portal.tokens(did);
      return view === null || "refused" in view ? view : { part: "tokens", view };
    }),
  );
  app.post(
    `${at}/tokens`,
    form(TokenForm, toTokens, async (did, wish, by) => {
      const made = await portal.makeToken(did, wish, by);
      return "refused" in made ? made : { part: "token", did, made };
    }),
  );
  app.post(
    `${at}/tokens/:id/revoke`,
    form(Nothing, toTokens, (did, _, by, c) => portal.revokeToken(did, c.req.param("id") ?? "", by)),
  );

  app.get(
    `${at}/changes/:id/events`,
    page(async (c, did) => {
      const view = await portal.changeEvents(did, Number(c.req.param("id")));
      return view && { part: "events", view };
    }),
  );

  app.get(
    `${at}/test`,
    page(async (_, did) => {
      const view = await portal.tests(did);
      return view === null || "refused" in view ? view : { part: "tests", view };
    }),
  );
  app.post(
    `${at}/test`,
    form(TestForm, toTests, (did, { domain }, by) => portal.makeTest(did, domain === "" ? null : domain, by)),
  );

  app.get(
    `${at}/settings`,
    page(async (_, did) => {
      const view = await portal.settings(did);
      return view === null || "refused" in view ? view : { part: "settings", view };
    }),
  );
  app.post(
    `${at}/bounces`,
    form(BouncesForm, toSettings, (did, { to, address }) =>
      portal.chooseBounces(did, to === "address" ? { to, address } : { to }),
    ),
  );
  app.post(
    `${at}/replies`,
    form(RepliesForm, toSettings, (did, { address }) =>
      portal.chooseReplies(did, address === "" ? null : address),
    ),
  );
  app.post(
    `${at}/people`,
    form(
      PersonForm,
      (_, did) => `${settingsPath(did)}#people`,
      (did, { account, role }, by) => portal.putPerson(did, account, role, by),
      "owner",
    ),
  );
  app.post(
    `${at}/people/remove`,
    form(
      FormerForm,
      (_, did) => `${settingsPath(did)}#people`,
      (did, { person }) => portal.removePerson(did, person),
      "owner",
    ),
  );

  app.post(
    `${at}/changes/:id{[0-9]{1,15}}/appeal`,
    form(WordsForm, toOverview, (did, { words }, by, c) =>
      portal.appeal(did, Number(c.req.param("id")), words, by),
    ),
  );
  app.post(
    `${at}/remedy`,
    form(WordsForm, toOverview, (did, { words }) => portal.remedy(did, words)),
  );
  return app;
}

/** Who did it, for the record. */
export function nameOfActor(identity: Identity | null): string {
  if (identity?.role === "committee") return identity.by ?? "the committee";
  return identity?.role === "person" ? identity.did : "the member";
}

/** What is wrong with a form; what the page itself would have kept from being sent is said in general. */
function faultsOf(error: z.ZodError): string {
  const said = error.issues.map(({ message }) => message).filter((message) => /[a-z]\.$/.test(message));
  return ["The form was not filled in as it should be.", ...new Set(said)].join(" ");
}

function tooLong(c: Context): Response {
  return c.text("This is longer than any form here.", 413);
}
