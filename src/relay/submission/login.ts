import { secretKey, secretMatches, type CredentialPolicy, type MemberPolicy } from "../../policy/index.ts";
import type { RelayContext } from "../context.ts";
import { createLoginGuard } from "./guard.ts";
import { BAD_LOGIN, REVOKED, TOO_MANY_LOGINS, type Refusal } from "./refusal.ts";
import { createUseReporter } from "./use.ts";

/** A credential that is in use, and its member. */
export type Who = { member: MemberPolicy; credential: CredentialPolicy };

/** A log-in by user name, or with the secret alone at one member. `address`: of the client, an IP address. */
export type Login = { secret: string; address: string } & ({ username: string } | { did: string });

const UNKNOWN_HASH = Buffer.alloc(32).toString("base64url");

/** Who a secret belongs to, for SMTP and HTTP alike. An address that guesses is slowed down over both. */
export function createAuthenticator(context: RelayContext) {
  const { policyBook, clock, metrics, log } = context;
  const guard = createLoginGuard(() => clock.now());
  const used = createUseReporter(context);

  function candidates(login: Login): Who[] {
    if ("username" in login) {
      const known = policyBook.byUsername(login.username);
      return known ? [known] : [];
    }
    const member = policyBook.byDid(login.did);
    if (!member) return [];
    const key = secretKey(login.did, login.secret);
    // Those that were made before there were keys have to be tried.
    return member.credentials
      .filter((credential) => (credential.key ?? key) === key)
      .map((credential) => ({ member, credential }));
  }

  return function authenticate(login: Login): Who | Refusal {
    const known = candidates(login);
    // An unknown name costs the same time as a wrong secret.
    if (known.length === 0) secretMatches("", login.secret, UNKNOWN_HASH);
    const found = known.find(({ credential }) =>
      secretMatches(credential.username, login.secret, credential.hash),
    );
    if (found && !found.credential.revoked) {
      used(found, login.address);
      return found;
    }
    const tooMany = guard.failed(login.address);
    const refused = found || policyBook.isGone(login) ? REVOKED : tooMany ? TOO_MANY_LOGINS : BAD_LOGIN;
    const { reason } = refused;
    metrics.submissions.inc({ outcome: "refuse", reason });
    log.info({ address: login.address, credential: found?.credential.id, reason }, "a log-in failed");
    return refused;
  };
}
