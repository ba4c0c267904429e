import { authenticate } from "mailauth";
import { mailauthResolver, type Resolver } from "../dns/index.ts";
import { parseHeader } from "../dkim/index.ts";
import { boundedResolver, judgedPart } from "./bounds.ts";

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
  /**
   * The value of `Authentication-Results`, without our name in front (RFC 8601 section 2.2): printable ASCII, folded with
   * CRLF and a space. What a stranger wrote in other characters is `?`.
   */
  results: string;
};

export type AuthenticateOptions = {
  resolver: Resolver;
  /** Name of this server. */
  hostname: string;
  /** Ends the questions to the DNS: what is not known by then is a `temperror`. */
  signal?: AbortSignal;
};

/** Nothing could be asked. */
const NOTHING_KNOWN: Authentication = {
  spf: { result: "temperror", domain: "" },
  dkim: [],
  dmarc: { result: "temperror", domain: "", policy: "" },
  arc: { result: "temperror" },
  results: "spf=temperror; dkim=temperror; dmarc=temperror",
};

/**
 * Never rejects: an outage of the DNS keeps no mail out. It reads the mail in slices, and judges eight signatures of it with
 * three different hashes of the body.
 */
export async function authenticateMail(
  raw: Uint8Array,
  { ip, helo, mailFrom }: Arrival,
  { resolver, hostname, signal }: AuthenticateOptions,
): Promise<Authentication> {
  try {
    return summary(
      await authenticate(judgedPart(raw), {
        ip,
        helo,
        sender: mailFrom,
        mta: hostname,
        resolver: mailauthResolver(boundedResolver(resolver, signal)),
        disableBimi: true,
      }),
    );
  } catch {
    return NOTHING_KNOWN;
  }
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
  const results = raw.slice(raw.indexOf(";") + 1).trim();
  return results.replace(/[^\x20-\x7e\t\r\n]|\r(?!\n[ \t])|(?<!\r)\n/g, "?") || "none";
}

/** Did the mail come from whom it says it is from, as far as anything can show it? */
export function isAuthentic({ spf, dkim, dmarc }: Authentication): "yes" | "no" | "unknown" {
  if (dmarc.result === "pass") return "yes";
  if (dmarc.result === "fail") return "no";
  const passed = spf.result === "pass" || dkim.some(({ result }) => result === "pass");
  if (dmarc.result === "temperror" || (!passed && spf.result === "temperror")) return "unknown";
  return passed ? "yes" : "no";
}
