import type { DnsAnswer } from "../../protocol/dns/index.ts";
import { authorisationOfAll } from "../../report/index.ts";
import { fail, ok, warn, type Finding, type Probe } from "./probe.ts";

const silent = (answer: DnsAnswer<never>) => answer.status === "temperror";

/** The resolver, and the records that members' mail depends on. */
export const dns: Probe = async ({ config, resolver }) => {
  const pool = config.POOL_DOMAIN;
  const servers = config.DNS_SERVERS.join(", ");
  const [helo, spf, bounce, dmarc, poolMx, reports] = await Promise.all([
    resolver.resolve(config.POOL_HOSTNAME, "TXT"),
    resolver.resolve(`_spf.${pool}`, "TXT"),
    resolver.resolve(`bounce.${pool}`, "MX"),
    resolver.resolve(`_dmarc.${pool}`, "TXT"),
    resolver.resolve(pool, "MX"),
    resolver.resolve(anyReport(pool), "TXT"),
  ]);
  if ([spf, bounce, dmarc, poolMx].every((answer) => silent(answer as DnsAnswer<never>))) {
    return [
      fail(
        "dns",
        `${servers} gives no answers`,
        "Start a resolver there (unbound is a good one), or set ATMOS_DNS_SERVERS.",
      ),
    ];
  }
  const findings: Finding[] = [ok("dns", `${servers} answers`)];
  const spfText = spfOf(spf);
  findings.push(
    spfText === undefined
      ? fail(
          "pool SPF",
          `_spf.${pool} has no SPF record`,
          `Publish: _spf.${pool}. TXT "v=spf1 ip4:<each egress address> -all"`,
        )
      : ok("pool SPF", spfText),
  );
  findings.push(
    spfOf(helo) === undefined
      ? warn(
          "greeting SPF",
          `${config.POOL_HOSTNAME} has no SPF record, so bounce notices to members fail SPF`,
          `Publish: ${config.POOL_HOSTNAME}. TXT "v=spf1 a -all"`,
        )
      : ok("greeting SPF", `${config.POOL_HOSTNAME}: ${spfOf(helo)}`),
  );
  findings.push(
    bounce.status === "ok" && bounce.records.length > 0
      ? ok("bounces", `bounce.${pool} is received by ${bounce.records.map((r) => r.exchange).join(", ")}`)
      : fail(
          "bounces",
          `bounce.${pool} has no MX`,
          `Publish: bounce.${pool}. MX 10 ${config.POOL_HOSTNAME}.`,
        ),
  );
  findings.push(
    poolMx.status === "ok" && poolMx.records.length > 0
      ? ok("role addresses", `${pool} is received by ${poolMx.records.map((r) => r.exchange).join(", ")}`)
      : fail(
          "role addresses",
          `${pool} has no MX, so postmaster and complaints do not reach you`,
          `Publish: ${pool}. MX 10 ${config.POOL_HOSTNAME}.`,
        ),
  );
  findings.push(
    dmarc.status === "ok" && dmarc.records.some((r) => /^v=DMARC1\b/.test(r.text))
      ? ok("pool DMARC", `_dmarc.${pool} is there`)
      : warn("pool DMARC", `_dmarc.${pool} is missing`, `Publish: _dmarc.${pool}. TXT "v=DMARC1; p=reject"`),
  );
  findings.push(dmarcReports(pool, reports));
  const authentic = [spf, bounce, dmarc].some((answer) => answer.status !== "temperror" && answer.authentic);
  const far = config.DNS_SERVERS.filter((server) => !LOOPBACK.test(server));
  findings.push(dnssec(pool, authentic, far));
  return findings;
};

/** Of a domain that nobody has: only the record for all domains answers. */
const anyReport = (pool: string) => `nobody.invalid._report._dmarc.${pool}`;

function dmarcReports(pool: string, answer: DnsAnswer<"TXT">): Finding {
  const { name, text } = authorisationOfAll(pool);
  return answer.status === "ok" && answer.records.some((r) => /^v=DMARC1\s*(;|$)/.test(r.text))
    ? ok("DMARC reports", `${name} lets reports about members' domains come`)
    : warn(
        "DMARC reports",
        `${name} is missing: reporters send no reports about a member's domain to ${pool}, unless it has a record of its own there`,
        `Publish: ${name}. TXT "${text}"`,
      );
}

const LOOPBACK = /^(?:127\.|\[::1\]:)/;

function dnssec(pool: string, authentic: boolean, far: readonly string[]): Finding {
  if (!authentic)
    return warn(
      "dnssec",
      `no answer for ${pool} came validated`,
      "Sign the zone, and use a validating resolver on this host: DANE is off without one.",
    );
  if (far.length > 0)
    return warn(
      "dnssec",
      `${far.join(", ")} is not on this host, and its word is believed: whoever is between can forge DANE, which comes before MTA-STS`,
      "Name a validating resolver on this host in ATMOS_DNS_SERVERS, or see that nobody can be between.",
    );
  return ok("dnssec", "the resolver validates");
}

function spfOf(answer: DnsAnswer<"TXT">): string | undefined {
  return answer.status === "ok" ? answer.records.find((r) => /^v=spf1(\s|$)/i.test(r.text))?.text : undefined;
}
