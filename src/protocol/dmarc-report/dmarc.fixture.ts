/** Texts of the elements of a report that a case changes; `null` leaves the element out. */
export type Words = {
  namespace?: string;
  metadata?: string;
  domain?: string | null;
  policy?: string;
  records?: readonly string[];
};

export function recordOf({
  ip = "192.0.2.7",
  count = "2",
  evaluated = "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>",
  identifiers = "<header_from>member.test</header_from>",
  results = "<dkim><domain>member.test</domain><selector>s1</selector><result>pass</result></dkim><spf><domain>bounce.test</domain><scope>mfrom</scope><result>pass</result></spf>",
} = {}): string {
  return `<record><row><source_ip>${ip}</source_ip><count>${count}</count><policy_evaluated>${evaluated}</policy_evaluated></row><identifiers>${identifiers}</identifiers><auth_results>${results}</auth_results></record>`;
}

const METADATA =
  "<org_name>Provider</org_name><email>dmarc@provider.test</email><report_id>r-1</report_id><date_range><begin>1767225600</begin><end>1767311999</end></date_range>";

/** An aggregate report as RFC 7489 appendix C has it. */
export function dmarcXml({
  namespace = "",
  metadata = METADATA,
  domain = "member.test",
  policy = "<adkim>r</adkim><aspf>r</aspf><p>reject</p><sp>reject</sp><pct>100</pct>",
  records = [recordOf()],
}: Words = {}): string {
  const published = `<policy_published>${domain === null ? "" : `<domain>${domain}</domain>`}${policy}</policy_published>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<feedback${namespace}>\n<report_metadata>${metadata}</report_metadata>\n${published}\n${records.join("\n")}\n</feedback>\n`;
}
