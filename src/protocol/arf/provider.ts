/** Names of those who run feedback loops, by what their reports say of themselves. */
const BY_AGENT: readonly (readonly [RegExp, string])[] = [
  [/yahoo!?-mail-feedback/i, "yahoo"],
  [/\b(aol|scomp)\b/i, "aol"],
  [/\b(hotmail|outlook|microsoft|jmrp?)\b/i, "microsoft"],
  [/\bcomcast/i, "comcast"],
  [/\bfastmail|messagingengine/i, "fastmail"],
  [/\bmail\.ru\b|mailru/i, "mailru"],
  [/\byandex/i, "yandex"],
  [/\bzoho/i, "zoho"],
  [/\bsynacor/i, "synacor"],
  [/\bcloudmark/i, "cloudmark"],
  [/\bsignal[ -]?spam/i, "signal-spam"],
  [/\blaposte/i, "laposte"],
  [/\babusix/i, "abusix"],
  [/\bspamcop/i, "spamcop"],
  [/\brackspace/i, "rackspace"],
  [/\b(cox|terra|ziggo|telenor|telstra|italia ?online|seznam|rambler|liberty ?global|uol)\b/i, "$1"],
  [/amazon[ -]?ses/i, "amazon-ses"],
];

const BY_DOMAIN: readonly (readonly [string, string])[] = [
  ["yahoo.com", "yahoo"],
  ["yahoo-inc.com", "yahoo"],
  ["yahooinc.com", "yahoo"],
  ["aol.com", "aol"],
  ["aol.net", "aol"],
  ["hotmail.com", "microsoft"],
  ["outlook.com", "microsoft"],
  ["live.com", "microsoft"],
  ["microsoft.com", "microsoft"],
  ["comcast.net", "comcast"],
  ["comcastfbl.senderscore.net", "comcast"],
  ["rackspacefbl.senderscore.net", "rackspace"],
  ["fastmail.com", "fastmail"],
  ["fastmail.fm", "fastmail"],
  ["messagingengine.com", "fastmail"],
  ["mail.ru", "mailru"],
  ["corp.mail.ru", "mailru"],
  ["yandex.ru", "yandex"],
  ["yandex.net", "yandex"],
  ["yandex-team.ru", "yandex"],
  ["zoho.com", "zoho"],
  ["zohocorp.com", "zoho"],
  ["synacor.com", "synacor"],
  ["cloudmark.com", "cloudmark"],
  ["signal-spam.fr", "signal-spam"],
  ["laposte.net", "laposte"],
  ["abusix.com", "abusix"],
  ["abusix.org", "abusix"],
  ["spamcop.net", "spamcop"],
  ["amazonses.com", "amazon-ses"],
  ["senderscore.net", "validity"],
  ["returnpath.net", "validity"],
  ["validity.com", "validity"],
];

/** What a report says of who made it; each empty when it does not. */
export type Reporter = {
  /** `User-Agent`, and `Source` of the loops that others run for a provider. */
  agents: readonly string[];
  /** The report's own sender, `Reporting-MTA`: most telling first. */
  domains: readonly string[];
};

/** Who complains: a short name of a known provider, else the domain that reports; empty when nothing says it. */
export function providerOf({ agents, domains }: Reporter): string {
  for (const agent of agents) {
    for (const [pattern, name] of BY_AGENT) {
      const match = pattern.exec(agent);
      if (match)
        return name
          .replace("$1", match[1] ?? "")
          .toLowerCase()
          .replace(" ", "-");
    }
  }
  for (const domain of domains) {
    const known = BY_DOMAIN.filter(([suffix]) => domain === suffix || domain.endsWith(`.${suffix}`));
    const longest = known.toSorted(([a], [b]) => b.length - a.length)[0];
    if (longest) return longest[1];
  }
  return domains.find((domain) => domain !== "") ?? "";
}
