import type { CredentialView, MemberRow } from "../../member/index.ts";
import type { Core } from "../core/index.ts";

const iso = (at: number) => new Date(at).toISOString();

export function memberView(core: Core, member: MemberRow) {
  return {
    did: member.did,
    name: member.name,
    tier: member.tier,
    membership: member.membership,
    joinedAt: iso(member.joined_at),
    standing: core.standings.state(member.did).standing,
    paused: core.pauses.open(member.did).length > 0,
    domains: core.members.domainsOf(member.did).map(({ name, status, return_path }) => ({
      name,
      status,
      returnPath: return_path,
    })),
  };
}

export function credentialView(view: CredentialView) {
  return {
    ...view,
    createdAt: iso(view.createdAt),
    lastUsed: view.lastUsed && { at: iso(view.lastUsed.at), address: view.lastUsed.address },
    revoked: view.revoked && { at: iso(view.revoked.at), by: view.revoked.by },
  };
}
