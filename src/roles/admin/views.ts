import type { MemberRow } from "../../member/index.ts";
import type { Core } from "../core/index.ts";

export function memberView(core: Core, member: MemberRow) {
  const [latest] = core.standings.changesOf(member.did, 1);
  return {
    did: member.did,
    name: member.name,
    tier: member.tier,
    membership: member.membership,
    joinedAt: member.joined_at,
    standing: core.standings.state(member.did).standing,
    /** Null: nothing is asked of it. */
    wayBack: latest && latest.to !== "good" ? latest.wayBack : null,
    paused: core.pauses.open(member.did).length > 0,
    domains: core.members.domainsOf(member.did).map(({ name, status, return_path }) => ({
      name,
      status,
      returnPath: return_path,
    })),
  };
}
