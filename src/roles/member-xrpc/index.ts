import type { Context, Hono } from "hono";
import { accessFault, needOf, type Need, type ServiceAuth, type TokenScope } from "../../account/index.ts";
import type { ProviderPages, ReportPages, SuppressionPages } from "../../web/index.ts";
import type { MemberDesk } from "../member-desk.ts";
import type { Taking } from "../member-take.ts";
import type { QueryParts } from "../queries/parts.ts";
import { Fault, methodServer, read, readQuery, type QueryReader, type Reader } from "../xrpc-methods.ts";
import { createMemberCaller, type MemberCaller } from "./caller.ts";
import { serveDeeds } from "./deeds.ts";
import { serveQueries } from "./queries.ts";
import { serveFigures } from "./serve-figures.ts";
import { serveLeaving } from "./serve-leaving.ts";
import { servePauses } from "./serve-pauses.ts";
import { serveSuppressions } from "./serve-suppressions.ts";
import { serveVouches } from "./serve-vouches.ts";

export type MemberXrpcParts = {
  desk: MemberDesk;
  shown: QueryParts;
  /** What fills the pages of suppressed recipients, of reports and of providers' figures. */
  pages: {
    suppressions: SuppressionPages;
    reports: ReportPages;
    /** Undefined where nothing is fetched. */
    providers: ProviderPages | undefined;
  };
  taking: Pick<Taking, "exports" | "proofs" | "vouchDesk" | "leaveDesk">;
  /** Undefined where no account can make a token for us: then only members' own tokens open anything. */
  serviceAuth: ServiceAuth | undefined;
  /** NSID authority under which our lexicons are published. The methods are at `community.email.*` too. */
  authority: string;
  /** Whether a request came in clear where it must not. */
  inClear: (c: Context) => boolean;
  /** Whether a client may call now. */
  mayCall: (c: Context) => boolean;
  /** Whether a token, or an account, may call now. */
  mayUse: (key: string) => boolean;
  /** Tokens follow the real clock. */
  now: () => number;
};

const IN_CLEAR = new Fault(
  403,
  "HttpsRequired",
  "Use https. The token of this request has gone over the network in clear: revoke it, and make another one.",
);

type ForMember = { member?: string | undefined };
/** As whom it is done. `by`: for the record. `isOwner`: an account that is, and not its program. */
export type Actor = { by: string; isOwner: boolean };
type Act<P> = (did: string, input: P, actor: Actor) => object | Promise<object>;
export type Methods = {
  /** What only reads, with parameters. */
  query<P extends ForMember>(
    name: string,
    needs: "read" | "messages" | "export",
    params: QueryReader<P>,
    act: Act<P>,
  ): void;
  /** What has a body. */
  procedure<P extends ForMember>(name: string, needs: TokenScope | Need, input: Reader<P>, act: Act<P>): void;
};

/** All that a member's pages do, for programs, with tokens of the member or of an account that acts for it. */
export function memberXrpc(parts: MemberXrpcParts): Hono {
  const { core } = parts.shown;
  const { serviceAuth, mayUse, now } = parts;
  const caller = createMemberCaller({
    tokens: core.tokens,
    roleOf: core.people.roleOf,
    hasLeft: (did) => core.members.get(did)?.membership === "left",
    serviceAuth,
    mayUse,
    now,
  });
  const { app, serve } = methodServer<MemberCaller>({
    ...parts,
    caller: async (c, nsid) => (parts.inClear(c) ? IN_CLEAR : caller(c.req.header("authorization"), nsid)),
  });

  /** Does it for the member that is asked for, when the caller may. */
  async function forMember<P extends ForMember>(
    who: MemberCaller,
    needs: TokenScope | Need,
    input: P,
    act: Act<P>,
  ): Promise<object> {
    const member = input.member ?? who.member;
    const membership = core.members.get(member)?.membership ?? null;
    const { standing } = core.standings.state(member);
    const need = typeof needs === "string" ? needOf(needs) : needs;
    const caller = who.at(member);
    const fault = accessFault(caller, { member, membership, standing, need });
    if (fault === null)
      return act(member, input, { by: who.by, isOwner: caller.by === "account" && caller.role === "owner" });
    return new Fault(fault.error === "MemberNotFound" ? 404 : 403, fault.error, fault.message);
  }

  const methods: Methods = {
    query: (name, needs, params, act) =>
      serve(name, "GET", (who, search) => forMember(who, needs, readQuery(params, search), act)),
    procedure: (name, needs, input, act) =>
      serve(name, "POST", (who, body) => forMember(who, needs, read(input, body), act)),
  };
  serveQueries(methods, parts);
  serveDeeds(methods, parts);
  servePauses(methods, parts);
  serveSuppressions(methods, parts);
  serveFigures(methods, parts);
  serveVouches(methods, parts);
  serveLeaving(methods, parts);
  return app;
}
