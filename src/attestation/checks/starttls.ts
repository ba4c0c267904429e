import { formatTlsa, isUsable, matches, tlsaName, tlsaOf } from "../../protocol/dane/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import type { TlsSession } from "../../protocol/smtp-probe/index.ts";
import type { Transport } from "../types.ts";
import { addressesOf, mxHosts } from "./mx-hosts.ts";
import { noAnswer, result, shown, type Check, type Observation } from "./result.ts";

const MAX_HOSTS = 5;
const EXPIRES_SOON_MS = 14 * 86_400_000;
const SMTP_PORT = 25;

/**
 * Does each MX host take mail over TLS, with a certificate for its name (RFC 3207, RFC 8996), and does it match the
 * TLSA records where there are any? One address of each host is spoken to. Only with a transport.
 */
export const checkStartTls: Check = async ({ domain }, { resolver, at, transport }) => {
  if (!transport) return undefined;
  const { answer, hosts } = await mxHosts(domain, resolver);
  if (answer.status === "temperror") return result("starttls", [noAnswer(domain, answer)], at);
  if (hosts.length === 0) return undefined;
  const looked = hosts
    .slice(0, MAX_HOSTS)
    .map((host) => checkHost(host, { domain, resolver, transport, at }));
  const found = (await Promise.all(looked)).filter((one) => one !== undefined);
  return found.length === 0 ? undefined : result("starttls", found.flat(), at);
};

type Around = { domain: string; resolver: Resolver; transport: Transport; at: number };

/** Undefined where nothing was seen. */
async function checkHost(host: string, around: Around): Promise<Observation[] | undefined> {
  const { resolver, transport, at } = around;
  const found = await addressesOf(host, resolver);
  if (found.status === "temperror") return [noAnswer(host, found)];
  // A host without address has its finding in the check of MX.
  const address = found.status === "some" ? found.addresses[0] : undefined;
  if (address === undefined) return [];
  const port = transport.port ?? SMTP_PORT;
  const where = `${host} [${address}]:${port}`;
  const probe = await transport.probe({ host, address, port });
  const warn = (code: Observation["code"], message: string, seen: string): Observation[] => [
    { code, severity: "warn", message, observed: shown(`${where}: ${seen}`) },
  ];
  switch (probe?.status) {
    case undefined:
      return undefined;
    case "unreachable":
      return warn("starttls-unreachable", `${host} could not be reached.`, probe.detail);
    case "unwilling":
      return warn("starttls-unwilling", `${host} did not take the conversation.`, probe.reply);
    case "no-starttls":
      return warn("starttls-missing", `${host} does not offer STARTTLS. Give it a certificate.`, probe.reply);
    case "tls-failed":
      return warn("starttls-failed", `${host} offers STARTTLS and fails at it.`, probe.detail);
    case "secured":
      return [
        ...judgeSession(host, where, probe.session, at),
        ...(await compareTlsa(host, where, probe.session, around)),
      ];
  }
}

function judgeSession(host: string, where: string, session: TlsSession, at: number): Observation[] {
  const findings: Observation[] = [];
  const until = new Date(session.expiresAt).toISOString();
  if (!/^TLSv1\.[23]$/.test(session.protocol)) {
    findings.push({
      code: "starttls-old",
      severity: "warn",
      message: `${host} speaks ${session.protocol}. Let it speak TLS 1.2 and 1.3.`,
      observed: `${where}: ${session.protocol}`,
    });
  }
  const faults = [
    ...(session.expiresAt < at ? [`it ended at ${until}`] : []),
    ...(session.named ? [] : [`it does not name ${host}`]),
    ...(session.untrusted === undefined
      ? []
      : [`no known authority stands behind it (${session.untrusted})`]),
  ];
  if (faults.length > 0) {
    findings.push({
      code: "starttls-certificate",
      severity: "warn",
      message: `The certificate of ${host} cannot be verified: ${faults.join(", ")}. Get one for ${host} from a public authority.`,
      observed: shown(`${where}: ${faults.join(", ")}`),
      expected: host,
    });
  } else if (session.expiresAt < at + EXPIRES_SOON_MS) {
    findings.push({
      code: "starttls-expires",
      severity: "warn",
      message: `The certificate of ${host} ends at ${until}. Renew it.`,
      observed: `${where}: until ${until}`,
    });
  }
  return findings;
}

async function compareTlsa(
  host: string,
  where: string,
  { chain }: TlsSession,
  { domain, resolver, at }: Around,
): Promise<Observation[]> {
  const name = tlsaName(host);
  const answer = await resolver.resolve(name, "TLSA");
  const usable = answer.status === "ok" ? answer.records.filter(isUsable) : [];
  const [leaf] = chain;
  // Both are names to look for (RFC 7672 section 3.2.2).
  const presented = { chain, names: [host, domain], at };
  if (usable.length === 0 || !leaf || usable.some((record) => matches(record, presented))) return [];
  const own = tlsaOf(leaf);
  return [
    {
      code: "dane-mismatch",
      severity: "warn",
      message: `The certificate of ${host} matches none of its TLSA records. Publish the record of its key beside the old one.`,
      observed: shown(`${where} against ${usable.map(formatTlsa).join(" | ")}`),
      ...(own && { remedy: `${name}. IN TLSA ${formatTlsa(own)}` }),
    },
  ];
}
