import { isIP } from "node:net";
import type { Resolver } from "../../protocol/dns/index.ts";
import { normalizeHost } from "../domain.ts";
import { addressesOf, mxHosts, privateOf } from "./mx-hosts.ts";
import { noAnswer, result, seen, shown, type Check, type Observation } from "./result.ts";

/**
 * Do the attested hosts, where the record names them, equal the MX records, and do they have addresses that the
 * internet reaches? RFC 5321 section 5.1 (implicit MX), RFC 7505 (null MX), RFC 2181 section 10.3 (an exchange is no
 * alias).
 */
export const checkMx: Check = async ({ domain, attestation, allowPrivate }, { resolver, at }) => {
  const { answer, isNull, hosts } = await mxHosts(domain, resolver);
  if (answer.status === "temperror") return result("mx", [noAnswer(domain, answer)], at);
  const observed = seen(domain, "MX", answer);
  const findings: Observation[] = [];

  if (answer.status !== "ok") findings.push(...(await withoutMx(domain, observed, resolver)));
  if (isNull && hosts.length === 0) {
    findings.push({
      code: "mx-null",
      severity: "info",
      message: `${domain} says that it receives no mail (null MX), so nobody can answer its mail.`,
      observed,
    });
  }
  if (isNull && hosts.length > 0) {
    findings.push({
      code: "mx-null-mixed",
      severity: "fail",
      message: `${domain} has a null MX beside others. Remove the null MX, or all the others.`,
      observed,
      remedy: hosts.map((host) => `${domain}. IN MX 10 ${host}.`).join("\n"),
    });
  }
  if (attestation?.mx) {
    const attested = attestation.mx.map((m) => normalizeHost(m.host));
    findings.push(...compare(domain, attested, hosts, observed));
  }
  const looked = await Promise.all(hosts.map((host) => checkHost(host, resolver)));
  findings.push(
    ...looked
      .flatMap((one) => one.findings)
      .filter((finding) => !allowPrivate || finding.code !== "mx-private-address"),
  );
  if (!allowPrivate && looked.length > 0 && looked.every((one) => one.private)) {
    findings.push({
      code: "mx-unreachable",
      severity: "fail",
      message: `No mail host of ${domain} has an address that the internet can reach. Publish a public address.`,
      observed,
      remedy: `${hosts[0]}. IN A <its public IPv4 address>`,
    });
  }
  return result("mx", findings, at);
};

async function withoutMx(domain: string, observed: string, resolver: Resolver): Promise<Observation[]> {
  const address = await addressesOf(domain, resolver);
  if (address.status === "temperror") return [noAnswer(domain, address)];
  if (address.status === "some") {
    return [
      {
        code: "mx-implicit",
        severity: "warn",
        message: `${domain} has no MX record; senders fall back to its address. Name the host that receives mail.`,
        observed: shown([observed, `${domain}: ${address.addresses.join(", ")}`]),
        remedy: `${domain}. IN MX 10 ${domain}.`,
      },
    ];
  }
  return [
    {
      code: "mx-missing",
      severity: "fail",
      message: `${domain} can receive no mail: it has neither MX records nor an address.`,
      observed,
      remedy: `${domain}. IN MX 10 <the host that receives your mail>.`,
    },
  ];
}

function compare(domain: string, attested: string[], inDns: string[], observed: string): Observation[] {
  const gone = attested.filter((host) => !inDns.includes(host));
  const unnamed = inDns.filter((host) => !attested.includes(host));
  return [
    ...gone.map((host): Observation => ({
      code: "mx-not-in-dns",
      severity: "fail",
      message: `Your record attests ${shown(host)} as a mail host, but the DNS does not list it. Publish it, or take it out of the record.`,
      observed,
      expected: shown(attested),
      remedy: `${domain}. IN MX 10 ${host}.`,
    })),
    ...unnamed.map((host): Observation => ({
      code: "mx-not-attested",
      severity: "fail",
      message: `The DNS lists ${shown(host)} as a mail host, but your record does not attest it. Add it to the record, or leave only the hosts that it names.`,
      observed,
      expected: shown(attested),
      remedy: attested.map((name) => `${domain}. IN MX 10 ${name || "."}${name && "."}`).join("\n"),
    })),
  ];
}

type Looked = { findings: Observation[]; private: boolean };

async function checkHost(host: string, resolver: Resolver): Promise<Looked> {
  if (isIP(host) !== 0) {
    return {
      private: false,
      findings: [
        {
          code: "mx-is-address",
          severity: "fail",
          message: `The MX record names the address ${shown(host)}. Name a host that has this address.`,
          observed: shown(host),
          remedy: `mx.<your domain>. IN ${isIP(host) === 6 ? "AAAA" : "A"} ${host}`,
        },
      ],
    };
  }
  const findings: Observation[] = [];
  const [alias, address] = [await resolver.resolve(host, "CNAME"), await addressesOf(host, resolver)];
  const addresses = address.status === "some" ? address.addresses : [];
  if (alias.status === "ok") {
    findings.push({
      code: "mx-is-alias",
      severity: "warn",
      message: `${shown(host)} is an alias (CNAME). Give it addresses of its own, or name its target in the MX record.`,
      observed: seen(host, "CNAME", alias),
      expected: "A or AAAA records",
      remedy: addresses.length
        ? addresses.map((a) => `${host}. IN ${isIP(a) === 6 ? "AAAA" : "A"} ${a}`).join("\n")
        : `${host}. IN A <its IPv4 address>`,
    });
  }
  if (address.status === "temperror") findings.push(noAnswer(host, address));
  if (address.status === "none") {
    findings.push({
      code: "mx-no-address",
      severity: "fail",
      message: `${shown(host)} has no address, so mail cannot reach it.`,
      observed: `${host} A, AAAA: ${address.nxdomain ? "NXDOMAIN" : "no data"}`,
      remedy: `${host}. IN A <its IPv4 address>`,
    });
  }
  const unreachable = privateOf(addresses);
  if (unreachable.length > 0) {
    findings.push({
      code: "mx-private-address",
      severity: "warn",
      message: `${shown(host)} has ${unreachable.length === addresses.length ? "only addresses" : "an address"} that the internet cannot reach. Publish its public address.`,
      observed: shown(`${host}: ${unreachable.join(", ")}`),
      remedy: `${host}. IN A <its public IPv4 address>`,
    });
  }
  return { findings, private: addresses.length > 0 && unreachable.length === addresses.length };
}
