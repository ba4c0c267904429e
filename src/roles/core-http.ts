import type { Context, Hono } from "hono";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Config } from "../platform/config/index.ts";
import type { Database } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import type { RuleStore } from "../rules/index.ts";
import { createUsedLinks, createWeb, readToken, type JoinPages } from "../web/index.ts";
import { createRateTable } from "../lib/rate-table.ts";
import type { Accounts } from "./accounts.ts";
import { createAuthority } from "./authority.ts";
import { mountXrpc } from "./core-xrpc.ts";
import { createMemberDesk, type MemberDesk } from "./member-desk.ts";
import { createPortalPages } from "./portal-pages.ts";
import { domainsView } from "./queries/member.ts";
import { createJoinDesk } from "./join-desk.ts";
import { adminApi } from "./admin-api.ts";
import { caseApi } from "./case-api.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import type { SubmissionPoint } from "./pds-environment.ts";
import { providerDataApi } from "./provider-data-api.ts";
import type { ProviderDesk } from "./provider-data.ts";
import { createPeopleDesk, type PeopleDesk } from "./people-desk.ts";
import { openTaking, type Taking } from "./member-take.ts";
import { createProviderPages } from "./provider-data-pages.ts";
import type { PublicChecks } from "./public-checks.ts";
import { checkQuery } from "./queries/check.ts";
import { rulesQuery } from "./queries/rules.ts";
import { createMessagePages, createQueries } from "./queries/index.ts";
import type { QueryParts } from "./queries/parts.ts";
import { createAbuseDesk, type AbuseDesk } from "./abuse-desk.ts";
import { inboxPages, relayApis } from "./relay-apis.ts";
import type { RunningRelay } from "./relay.ts";
import { reportApi } from "./report-api.ts";
import { createReportPages } from "./report-pages.ts";
import { rulesApi } from "./rules-api.ts";
import { suppressionApi } from "./suppression-api.ts";
import { createSuppressionPages } from "./suppression-pages.ts";
import { createTokenDesk, type TokenDesk } from "./token-desk.ts";
import { createWebActions } from "./web-actions.ts";
import { clientOf } from "./xrpc-client.ts";
import type { Zone } from "./zone/index.ts";
import { listApi } from "./zone/list-api.ts";
import { createAllowlistPages } from "./zone/pages.ts";

export type CoreHttpParts = {
  core: Core;
  accounts: Accounts;
  relay: RunningRelay | undefined;
  labeler: Labeler | undefined;
  zone: Zone | undefined;
  providers: ProviderDesk | undefined;
  checks: PublicChecks | undefined;
  ruleStore: RuleStore;
  /** Where members submit. */
  submission: () => SubmissionPoint;
  sessionKey: Uint8Array;
  db: Database;
  resolver: Resolver;
  clock: Clock;
  log: Logger;
  config: Config;
  /** Aborted when the server ends. */
  closing: AbortSignal;
};

const now = () => systemClock.now();

/** What core answers by HTTP: the API of the command line at `/api`, and the pages. */
export function mountCore(app: Hono, parts: CoreHttpParts): void {
  const taking = openTaking(parts);
  const join = createJoinDesk({
    ...parts,
    rules: parts.ruleStore,
    askAuthority: createAuthority(parts.resolver),
  });
  const people = createPeopleDesk({ core: parts.core, find: parts.accounts.find, clock: parts.clock });
  const desk = createMemberDesk({
    ...parts,
    spool: parts.relay?.spool,
    tests: parts.relay?.tests,
    askAuthority: createAuthority(parts.resolver),
    people,
  });
  const shown = shownFrom(parts);
  const tokens = createTokenDesk({ core: parts.core, now });
  mountApis(app, parts, taking, { people, tokens });
  const pages = pagesFrom(parts);
  mountXrpc(app, { ...parts, join, desk, shown, pages, taking });
  mountPages(app, parts, { taking, join, desk, shown, pages, tokens });
}

function mountApis(
  app: Hono,
  parts: CoreHttpParts,
  { proofs, exports }: Taking,
  { people, tokens }: { people: PeopleDesk; tokens: TokenDesk },
): void {
  const { core, relay, labeler, zone, providers, ruleStore, submission, sessionKey, db, clock, log } = parts;
  const mayAct = (token: string | undefined) => {
    const read = readToken(sessionKey, "api", token, systemClock.now());
    return read.ok && read.identity.role === "committee";
  };
  const gate = { clock, mayAct, log };
  if (relay) app.route("/api", relayApis({ relay, core, ...gate }));
  app.route("/api/suppression", suppressionApi({ desk: core.suppressions, keyOf: relay?.keyOf, ...gate }));
  if (providers) app.route("/api/provider", providerDataApi({ desk: providers, ...gate }));
  if (zone) app.route("/api/allowlist", listApi({ zone, ...gate }));
  app.route("/api/rules", rulesApi({ store: ruleStore, db, osprey: core.osprey, ...gate }));
  app.route("/api/cases", caseApi({ core, ...gate }));
  app.route("/api/report", reportApi({ desk: core.reports, ...gate }));
  app.route("/api", adminApi({ core, people, tokens, proofs, exports, labeler, submission, log, mayAct }));
}

/** What pages and API are filled from. */
function shownFrom(parts: CoreHttpParts): QueryParts {
  const { core, labeler, relay, zone, providers, clock, config } = parts;
  return {
    core,
    labeler,
    zone,
    providers,
    clock,
    rules: parts.ruleStore.engine,
    spool: relay?.spool,
    policyBook: relay?.policyBook,
    egress: relay?.egress,
    measures: relay?.measures,
    shaping: relay?.shaping,
    publicUrl: config.PUBLIC_URL,
    digServer: config.ALLOW_PRIVATE_NETWORK && zone ? `@${zone.address.host} -p ${zone.address.port}` : null,
  };
}

function pagesFrom({ core, relay, providers, clock, config, resolver }: CoreHttpParts) {
  return {
    suppressions: createSuppressionPages({ core, clock, spool: relay?.spool, keyOf: relay?.keyOf }),
    reports: createReportPages({ core, clock, poolDomain: config.POOL_DOMAIN, resolver }),
    providers: providers && createProviderPages({ desk: providers, members: core.members, clock }),
  };
}

type Shown = {
  taking: Taking;
  join: JoinPages;
  desk: MemberDesk;
  shown: QueryParts;
  pages: ReturnType<typeof pagesFrom>;
  tokens: TokenDesk;
};

/** Links and sessions are for people: they follow the real clock, whatever the sandbox's does. */
function mountPages(app: Hono, parts: CoreHttpParts, given: Shown): void {
  const { taking, join, desk, shown, pages, tokens } = given;
  const { core, relay, labeler, checks, submission, clock, log, config } = parts;
  app.route(
    "/",
    createWeb({
      queries: createQueries(shown),
      messages: createMessagePages(shown),
      live: { news: core, closing: parts.closing },
      actions: createWebActions(core, submission),
      portal: createPortalPages({
        core,
        desk,
        tokens,
        now,
        domains: (did) => domainsView({ core, labeler }, did),
      }),
      ...(checks && labeler && { check: checkQuery(checks, labeler) }),
      ...(pages.providers && { providers: pages.providers }),
      exports: taking.pages,
      leaving: taking.leaving,
      vouches: taking.vouches,
      suppressions: pages.suppressions,
      ...(parts.zone && {
        allowlist: createAllowlistPages({
          zone: parts.zone,
          publicUrl: config.PUBLIC_URL,
          digServer: shown.digServer,
          poolDomain: config.POOL_DOMAIN,
          abuse: relay && abuseDesk(relay, parts),
          clientOf: (c) => clientOf(c, new Set(config.TRUSTED_PROXIES)),
        }),
      }),
      rules: rulesQuery({ store: parts.ruleStore, verdicts: core.verdicts, clock }),
      ...(relay && { inbox: inboxPages(relay.inbox, clock) }),
      reports: pages.reports,
      sessionKey: parts.sessionKey,
      usedLinks: createUsedLinks(parts.db),
      ...accountParts(parts, join),
      clock: systemClock,
      publicUrl: config.PUBLIC_URL,
      log,
    }),
  );
}

function abuseDesk(relay: RunningRelay, { config, clock, log }: CoreHttpParts): AbuseDesk {
  const { inbox, reported, forward } = relay;
  const { POOL_DOMAIN: poolDomain, ROLE_MAIL_TO: rolesTo } = config;
  return createAbuseDesk({ inbox, reported, forward, poolDomain, rolesTo, clock, log });
}

/** Logins that one client begins: each asks servers elsewhere. */
const LOGINS = { limit: 20, periodMs: 60_000, burst: 20 };
const MOST_CLIENTS = 20_000;

function accountParts(parts: CoreHttpParts, join: JoinPages) {
  const { core, accounts, config } = parts;
  const rate = createRateTable(LOGINS, MOST_CLIENTS);
  const proxies = new Set(config.TRUSTED_PROXIES);
  const { sessions, people, login } = accounts;
  return {
    sessions,
    people,
    join,
    account: {
      login,
      mayBegin: (c: Context) => rate.take(clientOf(c, proxies), systemClock.now(), 1).ok,
      committee: config.COMMITTEE_DIDS,
      memberName: (did: string) => {
        const member = core.members.get(did);
        return member === undefined || member.membership === "left" ? null : member.name;
      },
      written: (did: string, domain: string) => join.attested(did, domain),
    },
  };
}
