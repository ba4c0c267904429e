import type { Membership, Standing } from "../policy/index.ts";
import type { PersonRole } from "./identity.ts";

/** What a token may do for its member. People and tokens are changed by persons who are logged in, and by no token. */
export const TOKEN_SCOPES = [
  "read",
  "messages",
  "domains",
  "credentials",
  "webhooks",
  "settings",
  "standing",
  "pauses",
  "suppressions",
  "export",
] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Who calls for a member: a token of one member, or an account with its role at the member that is asked for. */
export type ApiCaller =
  | { by: "token"; member: string; scopes: readonly TokenScope[] }
  | { by: "account"; role: PersonRole | null };

/** What a method asks of its caller. */
export type Need = {
  /** What a token needs; null: a person does it, and no token. */
  scope: TokenScope | null;
  /** What an account is at least. */
  role: PersonRole;
  /** It can be done of a membership that has ended. */
  outlasts: boolean;
};

const READING: ReadonlySet<TokenScope> = new Set(["read", "messages"]);

/** Of what a scope is for: viewers read, managers do the rest; who has left still reads, and takes its data along. */
export const needOf = (scope: TokenScope): Need => ({
  scope,
  role: READING.has(scope) ? "viewer" : "manager",
  outlasts: READING.has(scope) || scope === "export",
});

/** What programs of an ejected member still do: look, take along, appeal. The rest is for its people. */
const OF_THE_EJECTED: ReadonlySet<TokenScope> = new Set(["read", "messages", "standing", "export"]);

type Asked = {
  member: string;
  /** Null: there is no such member. */
  membership: Membership | null;
  standing: Standing;
  need: Need;
};

export type AccessFault = {
  error: "MemberNotFound" | "ScopeMissing" | "RoleMissing" | "AccountNeeded" | "Ejected" | "HasLeft";
  message: string;
};

const RANKS: readonly PersonRole[] = ["viewer", "manager", "owner"];

/**
 * Why a caller may not do it; null: it may. Who has nothing to do with a member does not learn
 * whether there is one; of one that left no token opens anything, and its own account only reads and has itself deleted.
 */
export function accessFault(
  caller: ApiCaller,
  { member, membership, standing, need }: Asked,
): AccessFault | null {
  const isOurs =
    caller.by === "token" ? caller.member === member && membership !== "left" : caller.role !== null;
  if (membership === null || !isOurs)
    return { error: "MemberNotFound", message: `You act for no member ${member.slice(0, 300)}.` };
  if (membership === "left" && !need.outlasts)
    return { error: "HasLeft", message: "This membership has ended: nothing is changed any more." };
  if (caller.by === "account") return roleFault(caller.role!, need.role);
  return scopeFault(caller.scopes, need.scope, standing);
}

function roleFault(role: PersonRole, needed: PersonRole): AccessFault | null {
  if (RANKS.indexOf(role) >= RANKS.indexOf(needed)) return null;
  const who = needed === "owner" ? "an owner" : "a manager or an owner";
  return { error: "RoleMissing", message: `You are a ${role} of this member: ${who} can do this.` };
}

function scopeFault(
  scopes: readonly TokenScope[],
  needed: TokenScope | null,
  standing: Standing,
): AccessFault | null {
  if (needed === null)
    return {
      error: "AccountNeeded",
      message: "A person does this, with a token of the account's own server. No API token may.",
    };
  if (!scopes.includes(needed))
    return {
      error: "ScopeMissing",
      message: `This needs a token with the scope "${needed}"; this one has: ${scopes.join(", ")}.`,
    };
  if (standing !== "ejected" || OF_THE_EJECTED.has(needed)) return null;
  return {
    error: "Ejected",
    message: `This member is ejected: its programs may only use the scopes ${[...OF_THE_EJECTED].join(", ")}. Its people do the rest when they are logged in.`,
  };
}
