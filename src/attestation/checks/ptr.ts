import { isIP } from "node:net";
import { isPublicAddress, reverseName, type DnsAnswer, type Resolver } from "../../protocol/dns/index.ts";
import { noAnswer, result, seen, shown, type Check, type Observation } from "./result.ts";

const MAX_ADDRESSES = 64;
const MAX_NAMES = 10;

/**
 * Has each attested egress address a name that leads back to it (forward-confirmed reverse DNS, RFC 8601 section
 * 2.7.3)? Nothing to look at where the record claims none: the relay's own addresses are the relay's concern.
 */
export const checkPtr: Check = async ({ attestation }, { resolver, at }) => {
  const claimed = attestation?.egress ?? [];
  if (claimed.length === 0) return undefined;
  const addresses = claimed.slice(0, MAX_ADDRESSES).map(({ address }) => address.trim());
  const findings = await Promise.all(addresses.map((address) => checkAddress(address, resolver)));
  return result("ptr", findings.flat(), at);
};

async function checkAddress(address: string, resolver: Resolver): Promise<Observation[]> {
  const name = reverseName(address);
  if (name === undefined) {
    return [
      {
        code: "ptr-syntax",
        severity: "fail",
        message: `"${shown(address)}" is not one IP address. Correct it in your record: name each address by itself.`,
        observed: shown(address),
      },
    ];
  }
  if (!isPublicAddress(address)) {
    return [
      {
        code: "ptr-private-address",
        severity: "fail",
        message: `${address} is a private or reserved address. Name in your record the address that others see.`,
        observed: address,
      },
    ];
  }
  const pointer = await resolver.resolve(name, "PTR");
  if (pointer.status === "temperror") return [noAnswer(name, pointer)];
  const remedy = `${name}. IN PTR <the name of your mail host>.`;
  if (pointer.status !== "ok") {
    return [
      {
        code: "ptr-missing",
        severity: "fail",
        message: `${address} has no name. Set its reverse DNS where you rent the address.`,
        observed: seen(name, "PTR", pointer),
        remedy,
      },
    ];
  }
  return confirm(address, name, pointer, resolver);
}

async function confirm(
  address: string,
  name: string,
  pointer: Extract<DnsAnswer<"PTR">, { status: "ok" }>,
  resolver: Resolver,
): Promise<Observation[]> {
  const type = isIP(address) === 6 ? "AAAA" : "A";
  const hosts = pointer.records.map((record) => record.target).slice(0, MAX_NAMES);
  const answers = await Promise.all(hosts.map((host) => resolver.resolve(host, type)));
  const confirmed = hosts.filter((_, i) => {
    const answer = answers[i]!;
    return answer.status === "ok" && answer.records.some((r) => reverseName(r.address) === name);
  });
  if (confirmed.length === 0) {
    const silent = answers.findIndex((answer) => answer.status === "temperror");
    const answer = answers[silent];
    if (answer?.status === "temperror") return [noAnswer(hosts[silent]!, answer)];
    return [
      {
        code: "ptr-not-confirmed",
        severity: "fail",
        message: `${address} is named ${shown(hosts.join(", "))}, but that name does not lead back to it.`,
        observed: shown([
          seen(name, "PTR", pointer),
          ...answers.map((found, i) => seen(hosts[i]!, type, found)),
        ]),
        expected: address,
        remedy: `${hosts[0]}. IN ${type} ${address}`,
      },
    ];
  }
  if (!confirmed.every((host) => isGeneric(host, address))) return [];
  return [
    {
      code: "ptr-generic",
      severity: "warn",
      message: `The name of ${address} is made of the address. Give it the name of your mail host.`,
      observed: seen(name, "PTR", pointer),
      remedy: `${name}. IN PTR <the name of your mail host>.`,
    },
  ];
}

/** Whether the octets of an IPv4 address stand in the name, in either order. */
function isGeneric(host: string, address: string): boolean {
  if (isIP(address) !== 4) return false;
  const octets = address.split(".");
  const numbers = (host.match(/\d+/g) ?? []).map(Number).join(".");
  return [octets, octets.toReversed()].some((order) => numbers.includes(order.join(".")));
}
