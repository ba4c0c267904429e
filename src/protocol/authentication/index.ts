import { authenticate } from "mailauth";
import { mailauthResolver, type DnsAnswer, type DnsType, type Resolver } from "../dns/index.ts";
import { parseHeader } from "../dkim/index.ts";

/** How a message came in. */
export type Arrival = {
  /** Of the host that handed it in. */
  ip: string;
  helo: string;
  /** Empty: the null sender. */
  mailFrom: string;
};

/** What SPF, DKIM, DMARC and ARC say of a message, in the words of RFC 8601. Evidence: none of it refuses a bounce. */
export type Authentication = {
  spf: { result: string; domain: string };
  dkim: readonly { domain: string; selector: string; result: string }[];
  dmarc: { result: string; domain: string; policy: string };
  arc: { result: string };
  /** The value of `Authentication-Results`, without our name in front (RFC 8601 section 2.2); folded with CRLF. */
  results: string;
};

export type AuthenticateOptions = {
  resolver: Resolver;
  /** Name of this server. */
  hostname: string;
};

/** DNS questions that one message may cause: a hundred signatures are no reason to ask a hundred times. */
const MAX_LOOKUPS = 60;

/** Nothing could be asked. */
export const NOTHING_KNOWN: Authentication = {
  spf: { result: "temperror", domain: "" },
  dkim: [],
  dmarc: { result: "temperror", domain: "", policy: "" },
  arc: { result: "temperror" },
  results: "spf=temperror; dkim=temperror; dmarc=temperror",
};

/** Never rejects: an outage of the DNS keeps no mail out. How long it may take is the caller's to say. */
export async function authenticateMail(
  raw: Uint8Array,
  { ip, helo, mailFrom }: Arrival,
  { resolver, hostname }: AuthenticateOptions,
): Promise<Authentication> {
  try {
    return summary(
      await authenticate(Buffer.from(raw.buffer, raw.byteOffset, raw.length), {
        ip,
        helo,
        sender: mailFrom,
        mta: hostname,
        resolver: mailauthResolver(bounded(resolver)),
        disableBimi: true,
      }),
    );
  } catch {
    return NOTHING_KNOWN;
  }
}

function bounded(resolver: Resolver): Resolver {
  let asked = 0;
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      if (++asked > MAX_LOOKUPS) return { status: "temperror", detail: "too many questions" };
      return resolver.resolve(name, type);
    },
  };
}

function summary({
  spf,
  dkim,
  dmarc,
  arc,
  headers,
}: Awaited<ReturnType<typeof authenticate>>): Authentication {
  return {
    spf: spf ? { result: spf.status.result, domain: spf.domain } : { result: "none", domain: "" },
    dkim: dkim.results
      .filter((one) => one.signingDomain)
      .slice(0, 20)
      .map(({ signingDomain, selector, status }) => ({
        domain: (signingDomain ?? "").toLowerCase(),
        selector: selector ?? "",
        result: status.result,
      })),
    dmarc: dmarc
      ? { result: dmarc.status.result, domain: dmarc.domain, policy: dmarc.policy ?? "" }
      : { result: "none", domain: "", policy: "" },
    arc: { result: arc ? arc.status.result : "none" },
    results: resultsOf(headers),
  };
}

/** Of `Authentication-Results: name;\r\n spf=...` what stands after the name. */
function resultsOf(headers: string): string {
  const fields = parseHeader(headers.replace(/\r?\n/g, "\r\n"));
  const raw = fields.find(({ name }) => name === "authentication-results")?.raw ?? "";
  return raw.slice(raw.indexOf(";") + 1).trim() || "none";
}

/** Did the mail come from whom it says it is from, as far as anything can show it? */
export function isAuthentic({ spf, dkim, dmarc }: Authentication): "yes" | "no" | "unknown" {
  if (dmarc.result === "pass") return "yes";
  if (dmarc.result === "fail") return "no";
  const passed = spf.result === "pass" || dkim.some(({ result }) => result === "pass");
  if (dmarc.result === "temperror" || (!passed && spf.result === "temperror")) return "unknown";
  return passed ? "yes" : "no";
}
