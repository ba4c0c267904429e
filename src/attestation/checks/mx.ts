import type { Resolver } from "../../protocol/dns/index.ts";
import { normalizeHost } from "../domain.ts";
import type { Finding } from "../types.ts";
import { noAnswer, result, shown, type Check } from "./result.ts";

const MAX_HOSTS = 20;

/**
 * Do the attested hosts, where the record names them, equal the MX records, and do they have addresses? RFC 5321 section 5.1 (implicit MX),
 * RFC 7505 (null MX), RFC 2181 section 10.3 (an exchange is no alias).
 */
export const checkMx: Check = async ({ domain, attestation }, resolver, at) => {
  const answer = await resolver.resolve(domain, "MX");
  if (answer.status === "temperror") return result("mx", [noAnswer(domain, answer.detail)], at);

  const records = answer.status === "ok" ? answer.records : [];
  const isNull = records.length === 1 && normalizeHost(records[0]!.exchange) === "";
  const inDns = isNull ? [] : [...new Set(records.map((r) => normalizeHost(r.exchange)))].slice(0, MAX_HOSTS);
  const findings: Finding[] = [];

  if (records.length === 0) findings.push(...(await withoutMx(domain, resolver)));
  if (isNull) {
    findings.push({
      code: "mx-null",
      severity: "info",
      message: `${domain} says that it receives no mail (null MX), so nobody can answer its mail.`,
      observed: `${domain}. IN MX 0 .`,
    });
  }
  if (attestation?.mx) {
    findings.push(
      ...compare(
        domain,
        attestation.mx.map((m) => normalizeHost(m.host)),
        inDns,
      ),
    );
  }
  findings.push(...(await Promise.all(inDns.map((host) => checkHost(host, resolver)))).flat());
  return result("mx", findings, at);
};

async function withoutMx(domain: string, resolver: Resolver): Promise<Finding[]> {
  const address = await addressOf(domain, resolver);
  if (address.status === "temperror") return [noAnswer(domain, address.detail)];
  if (address.status === "some") {
    return [
      {
        code: "mx-implicit",
        severity: "warn",
        message: `${domain} has no MX record; senders fall back to its address. Name the host that receives mail.`,
        remedy: `${domain}. IN MX 10 ${domain}.`,
      },
    ];
  }
  return [
    {
      code: "mx-missing",
      severity: "fail",
      message: `${domain} can receive no mail: it has neither MX records nor an address. Many hosts refuse mail from such a domain.`,
      remedy: `${domain}. IN MX 10 <the host that receives your mail>.`,
    },
  ];
}

function compare(domain: string, attested: string[], inDns: string[]): Finding[] {
  const gone = attested.filter((host) => !inDns.includes(host));
  const unnamed = inDns.filter((host) => !attested.includes(host));
  return [
    ...gone.map((host): Finding => ({
      code: "mx-not-in-dns",
      severity: "fail",
      message: `Your record attests ${shown(host)} as a mail host, but the DNS does not list it. Publish it, or take it out of the record.`,
      observed: shown(inDns),
      expected: shown(attested),
      remedy: `${domain}. IN MX 10 ${host}.`,
    })),
    ...unnamed.map((host): Finding => ({
      code: "mx-not-attested",
      severity: "fail",
      message: `The DNS lists ${shown(host)} as a mail host, but your record does not attest it. Add it to the record, or remove the MX record.`,
      observed: shown(inDns),
      expected: shown(attested),
    })),
  ];
}

async function checkHost(host: string, resolver: Resolver): Promise<Finding[]> {
  const findings: Finding[] = [];
  const alias = await resolver.resolve(host, "CNAME");
  if (alias.status === "ok" && alias.records[0]) {
    findings.push({
      code: "mx-is-alias",
      severity: "warn",
      message: `${shown(host)} is an alias (CNAME). An MX record must name a host with addresses of its own; some senders refuse it.`,
      observed: shown(alias.records[0].target),
      expected: "A or AAAA records",
    });
  }
  const address = await addressOf(host, resolver);
  if (address.status === "temperror") findings.push(noAnswer(host, address.detail));
  if (address.status === "none") {
    findings.push({
      code: "mx-no-address",
      severity: "fail",
      message: `${shown(host)} has no address, so mail cannot reach it.`,
      remedy: `${host}. IN A <its IPv4 address>`,
    });
  }
  return findings;
}

type Address = { status: "some" | "none" } | { status: "temperror"; detail: string };

async function addressOf(host: string, resolver: Resolver): Promise<Address> {
  const answers = await Promise.all([resolver.resolve(host, "A"), resolver.resolve(host, "AAAA")]);
  if (answers.some((a) => a.status === "ok" && a.records.length > 0)) return { status: "some" };
  return answers.find((a) => a.status === "temperror") ?? { status: "none" };
}
