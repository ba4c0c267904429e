import {
  TOKEN_PREFIX,
  type ApiCaller,
  type PersonRole,
  type ServiceAuth,
  type Tokens,
} from "../../account/index.ts";
import { Fault, tooMany } from "../xrpc-methods.ts";

/** Who calls a method of the member API. */
export type MemberCaller = {
  /** For whom, where no member is named. */
  member: string;
  /** For the record. */
  by: string;
  /** What it is to the member that is asked for. */
  at: (member: string) => ApiCaller;
};

type CallerParts = {
  tokens: Pick<Tokens, "read">;
  roleOf: (member: string, person: string) => PersonRole | null;
  /** Of a member that left no token opens anything. */
  hasLeft: (did: string) => boolean;
  /** Reads tokens that accounts' own servers sign; undefined: nobody can make one for us. */
  serviceAuth: ServiceAuth | undefined;
  /** Whether a token, or an account, may call now. */
  mayUse: (key: string) => boolean;
  now: () => number;
};

const MISSING = 'Send "Authorization: Bearer" with a token of the member: an owner or a manager makes one.';
const TOO_MANY = "Too many requests with this token or account. Come again in a minute.";

export function createMemberCaller({ tokens, roleOf, hasLeft, serviceAuth, mayUse, now }: CallerParts) {
  function ofToken(secret: string): MemberCaller | Fault {
    const found = tokens.read(secret, now());
    if (!found.ok && found.reason === "ended")
      return new Fault(401, "ExpiredToken", "This token has ended: make another one.");
    if (!found.ok || hasLeft(found.member))
      return new Fault(401, "InvalidToken", "There is no such token: it was revoked, or never was.");
    const { member, token } = found;
    if (!mayUse(token.id)) return tooMany(TOO_MANY);
    const { name, scopes } = token;
    return { member, by: `API token "${name}"`, at: () => ({ by: "token", member, scopes }) };
  }

  return async function caller(
    authorization: string | undefined,
    nsid: string,
  ): Promise<MemberCaller | Fault> {
    const [, token] = /^Bearer (\S{1,200})$/i.exec(authorization ?? "") ?? [];
    if (token?.startsWith(TOKEN_PREFIX)) return ofToken(token);
    if (serviceAuth === undefined) return new Fault(401, "AuthMissing", MISSING);
    const who = await serviceAuth(authorization, nsid);
    if (!who.ok) return new Fault(401, who.error, who.error === "AuthMissing" ? MISSING : who.message);
    const { did } = who;
    if (!mayUse(did)) return tooMany(TOO_MANY);
    return {
      member: did,
      by: did,
      at: (member) => ({ by: "account", role: member === did ? "owner" : roleOf(member, did) }),
    };
  };
}
