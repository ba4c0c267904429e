import type { Context, Hono } from "hono";
import { accessFault, type ServiceAuth, type TokenScope } from "../../account/index.ts";
import type { MemberDesk } from "../member-desk.ts";
import type { QueryParts } from "../queries/parts.ts";
import { Fault, methodServer, read, readQuery, type QueryReader, type Reader } from "../xrpc-methods.ts";
import { createMemberCaller, type MemberCaller } from "./caller.ts";
import { serveDeeds } from "./deeds.ts";
import { serveQueries } from "./queries.ts";

export type MemberXrpcParts = {
  desk: MemberDesk;
  shown: QueryParts;
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
export type Methods = {
  /** What only reads, with parameters. */
  query<P extends ForMember>(
    name: string,
    scope: "read" | "messages",
    params: QueryReader<P>,
    act: (did: string, params: P) => object | Promise<object>,
  ): void;
  /** What has a body. `by`: who, for the record. */
  procedure<P extends ForMember>(
    name: string,
    scope: TokenScope,
    input: Reader<P>,
    act: (did: string, input: P, by: string) => object | Promise<object>,
  ): void;
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
    scope: TokenScope,
    input: P,
    act: (did: string, input: P, by: string) => object | Promise<object>,
  ): Promise<object> {
    const member = input.member ?? who.member;
    const membership = core.members.get(member)?.membership ?? null;
    const writes = scope !== "read" && scope !== "messages";
    const fault = accessFault(who.at(member), { member, membership, scope, writes });
    if (fault === null) return act(member, input, who.by);
    return new Fault(fault.error === "MemberNotFound" ? 404 : 403, fault.error, fault.message);
  }

  const methods: Methods = {
    query: (name, scope, params, act) =>
      serve(name, "GET", (who, search) => forMember(who, scope, readQuery(params, search), act)),
    procedure: (name, scope, input, act) =>
      serve(name, "POST", (who, body) => forMember(who, scope, read(input, body), act)),
  };
  serveQueries(methods, parts);
  serveDeeds(methods, parts);
  return app;
}
