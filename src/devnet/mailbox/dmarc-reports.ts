import { gzipSync } from "node:zlib";
import { DAY_MS } from "../../lib/clock.ts";
import { lookupDmarc, mailtoDomain, reportsAccepted } from "../../protocol/dmarc/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import type { Seen } from "./store.ts";

/** One report on a day's mail of one domain, with the address that wants it. */
export type DueReport = { domain: string; to: string; rows: DmarcTally[] };
export type DmarcTally = {
  ip: string;
  count: number;
  dkim: boolean;
  spf: boolean;
  disposition: string;
  results: Seen["verdicts"];
};

const MOST_ROWS = 1_000;

/** What is to be reported of a day's mail, to whom by the domains' own records (RFC 9990 section 4). */
export async function dueReports(seen: readonly Seen[], resolver: Resolver): Promise<DueReport[]> {
  const due: DueReport[] = [];
  for (const [domain, mails] of Map.groupBy(seen, ({ headerFrom }) => domainOf(headerFrom))) {
    if (domain === "") continue;
    const found = await lookupDmarc(domain, resolver);
    if (found.status !== "found") continue;
    for (const uri of found.record.rua.slice(0, 5)) {
      const destination = mailtoDomain(uri);
      if (destination === undefined) continue;
      const accepted = await reportsAccepted(domain, destination, resolver);
      if (accepted.status !== "accepted") continue;
      due.push({ domain, to: uri.replace(/^mailto:/i, ""), rows: tally(mails, domain) });
    }
  }
  return due;
}

function tally(mails: readonly Seen[], domain: string): DmarcTally[] {
  const rows = new Map<string, DmarcTally>();
  for (const { client: ip, verdicts } of mails) {
    const dkim = verdicts.dkim.some((one) => one.result === "pass" && isWithin(one.domain, domain));
    const spf = verdicts.spf.result === "pass" && isWithin(verdicts.spf.domain, domain);
    const disposition =
      verdicts.dmarc.result === "fail" && verdicts.dmarc.policy !== "" ? verdicts.dmarc.policy : "none";
    const key = JSON.stringify([ip, dkim, spf, disposition]);
    const row = rows.get(key) ?? { ip, count: 0, dkim, spf, disposition, results: verdicts };
    row.count++;
    rows.set(key, row);
  }
  return [...rows.values()].slice(0, MOST_ROWS);
}

/** An aggregate report as mail (RFC 9990 section 2.6), gzipped. `day`: since 1970-01-01. */
export function aggregateReport(about: {
  due: DueReport;
  day: number;
  reporter: string;
  from: string;
  now: number;
}): string {
  const { due, day, reporter, from, now } = about;
  const [begin, end] = [(day * DAY_MS) / 1000, ((day + 1) * DAY_MS) / 1000 - 1];
  const id = `${day}.${due.domain}`;
  const xml = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>',
    `<report_metadata><org_name>${text(reporter)}</org_name><email>${text(from)}</email>`,
    `<report_id>${text(id)}</report_id><date_range><begin>${begin}</begin><end>${end}</end></date_range></report_metadata>`,
    `<policy_published><domain>${text(due.domain)}</domain><p>none</p></policy_published>`,
    ...due.rows.map((row) => recordOf(row, due.domain)),
    "</feedback>",
  ].join("\n");
  const body = gzipSync(xml).toString("base64").replace(/.{76}/g, "$&\r\n");
  return [
    `From: DMARC reports <${from}>`,
    `To: ${due.to}`,
    `Subject: Report Domain: ${due.domain} Submitter: ${reporter} Report-ID: <${id}@${reporter}>`,
    `Date: ${new Date(now).toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${id}@${reporter}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: application/gzip",
    `Content-Disposition: attachment; filename="${reporter}!${due.domain}!${begin}!${end}.xml.gz"`,
    "Content-Transfer-Encoding: base64",
    "",
    body,
    "",
  ].join("\r\n");
}

const word = (passed: boolean) => (passed ? "pass" : "fail");

function recordOf({ ip, count, dkim, spf, disposition, results }: DmarcTally, domain: string): string {
  const signatures = results.dkim
    .slice(0, 10)
    .map(
      (one) =>
        `<dkim><domain>${text(one.domain)}</domain><selector>${text(one.selector)}</selector><result>${text(one.result)}</result></dkim>`,
    )
    .join("");
  return (
    `<record><row><source_ip>${text(ip)}</source_ip><count>${count}</count><policy_evaluated>` +
    `<disposition>${text(disposition)}</disposition><dkim>${word(dkim)}</dkim><spf>${word(spf)}</spf></policy_evaluated></row>` +
    `<identifiers><header_from>${text(domain)}</header_from></identifiers><auth_results>${signatures}` +
    `<spf><domain>${text(results.spf.domain)}</domain><result>${text(results.spf.result)}</result></spf></auth_results></record>`
  );
}

const ENTITIES: Record<string, string> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
const text = (value: string) => value.replace(/[<>&"]/g, (char) => ENTITIES[char]!);
const domainOf = (address: string) => address.slice(address.lastIndexOf("@") + 1).toLowerCase();
const isWithin = (name: string, domain: string) => name === domain || name.endsWith(`.${domain}`);
