import type { Notices } from "../../notice/index.ts";
import { digestLetter, type DigestFacts } from "../../notice/index.ts";
import { pauseWords, caseTitle, titleOf } from "../../standing/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { VerdictLog } from "../../rules/index.ts";
import type { CoreParts } from "./parts.ts";

export type DigestParts = CoreParts & {
  notices: Notices;
  /** Whom the digest is written to; undefined: nobody. */
  committeeMail: string | undefined;
  /** Whose book of mails it stands in. */
  authority: string;
  /** Of the pool. */
  domain: string;
  publicUrl: string;
  /** What rules have to say of themselves since a time: errors, and what those in shadow would have done. */
  ofRules: (since: number) => string[];
  /** Incidents of providers since a time, a sentence each. */
  incidents: (since: number) => string[];
};

/** Hour of the day in UTC from which the digest goes out. */
const FROM_HOUR = 7;
const SHOWN = 100;

/** What the committee should know of the last day, by mail once a day; nothing when there is nothing. */
export function createDigest(parts: DigestParts) {
  const { clock, members, standings, pauses, cases, notices, committeeMail, authority } = parts;
  const nameOf = (did: string) => members.domainsOf(did)[0]?.name ?? did;

  function facts(at: number): DigestFacts {
    const since = at - DAY_MS;
    return {
      pool: parts.domain,
      at,
      page: `${parts.publicUrl}/committee`,
      cases: cases.list("open", SHOWN).map(({ id, kind, did, dueAt }) => ({
        id,
        title: `${caseTitle(kind)} (${nameOf(did)})`,
        dueAt,
      })),
      pauses: pauses.allOpen(SHOWN).map(({ did, at: begun, cause, reason }) => ({
        did: nameOf(did),
        since: begun,
        why: reason || pauseWords(cause).title,
      })),
      applications: members.applications.list("open", SHOWN).length,
      changes: standings.changesSince(since, SHOWN).map((change) => ({
        domain: nameOf(change.did),
        from: change.from,
        to: change.to,
        title: titleOf(change),
        by: change.by,
      })),
      incidents: parts.incidents(since),
      heldDomains: standings
        .holds()
        .filter(({ did, domain }) => members.domain(domain)?.did === did)
        .map(({ domain, since: held }) => ({ domain, since: held })),
      rules: parts.ofRules(since),
    };
  }

  return {
    facts,
    /** Asked often: it goes out once a day. True: now. */
    send(): boolean {
      const at = clock.now();
      if (committeeMail === undefined || new Date(at).getUTCHours() < FROM_HOUR) return false;
      const about = `digest:${new Date(at).toISOString().slice(0, 10)}`;
      if (notices.has(about)) return false;
      const letter = digestLetter(facts(at));
      if (!letter) return false;
      notices.wish({ did: authority, about, contact: committeeMail, isRegular: true }, () => letter);
      return true;
    },
  };
}

/** What rules in shadow would have done since then. */
export function shadowed(verdicts: Pick<VerdictLog, "after">, since: number): string[] {
  const spoke = verdicts.after(0, since, 1_000).filter(({ shadow }) => shadow);
  return [...Map.groupBy(spoke, ({ rule }) => rule)].map(([rule, all]) => {
    const whom = new Set(all.map(({ did }) => did)).size;
    const [times, members] = [
      all.length === 1 ? "once" : `${all.length} times`,
      whom === 1 ? "member" : "members",
    ];
    return `${rule} (in shadow) held ${times}, for ${whom} ${members}`;
  });
}
