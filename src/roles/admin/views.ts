import type { MemberRow } from "../../member/index.ts";
import type { Core } from "../core/index.ts";

export function memberView(core: Core, member: MemberRow) {
  return {
    did: member.did,
    name: member.name,
    tier: member.tier,
    membership: member.membership,
    joinedAt: member.joined_at,
    standing: core.standings.state(member.did).standing,
    paused: core.pauses.open(member.did).length > 0,
    domains: core.members.domainsOf(member.did).map(({ name, status, return_path }) => ({
      name,
      status,
      returnPath: return_path,
    })),
  };
}
