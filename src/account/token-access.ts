import type { Membership } from "../policy/index.ts";
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
] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Who calls for a member: a token of one member, or an account with its role at the member that is asked for. */
export type ApiCaller =
  | { by: "token"; member: string; scopes: readonly TokenScope[] }
  | { by: "account"; role: PersonRole | null };

type Asked = {
  member: string;
  /** Null: there is no such member. */
  membership: Membership | null;
  /** What a token needs for it. */
  scope: TokenScope;
  /** It changes something: a viewer may not. */
  writes: boolean;
};

export type AccessFault = {
  error: "MemberNotFound" | "ScopeMissing" | "RoleMissing" | "HasLeft";
  message: string;
};

/**
 * Why a caller may not do it; null: it may. Who has nothing to do with a member does not learn
 * whether there is one; of one that left no token opens anything, and its own account only reads.
 */
export function accessFault(
  caller: ApiCaller,
  { member, membership, scope, writes }: Asked,
): AccessFault | null {
  const isOurs =
    caller.by === "token" ? caller.member === member && membership !== "left" : caller.role !== null;
  if (membership === null || !isOurs)
    return { error: "MemberNotFound", message: `You act for no member ${member.slice(0, 300)}.` };
  if (writes && membership === "left")
    return { error: "HasLeft", message: "This membership has ended: nothing is changed any more." };
  if (caller.by === "account")
    return writes && caller.role === "viewer"
      ? {
          error: "RoleMissing",
          message: "You are a viewer of this member: a manager or an owner can do this.",
        }
      : null;
  if (caller.scopes.includes(scope)) return null;
  return {
    error: "ScopeMissing",
    message: `This needs a token with the scope "${scope}"; this one has: ${caller.scopes.join(", ")}.`,
  };
}
