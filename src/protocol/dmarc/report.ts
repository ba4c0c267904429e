import type { DnsFault, Resolver } from "../dns/index.ts";
import { organizationalDomain } from "./walk.ts";

export type ReportsAccepted =
  | { status: "accepted" }
  /** `name` should hold the TXT record `v=DMARC1`. */
  | { status: "refused"; name: string; absent: "nxdomain" | "nodata" | "other" }
  | { status: "temperror"; name: string; detail: string; kind?: DnsFault };

/**
 * Whether `destination` takes reports about `domain` (RFC 9990 section 4): one of the same organisation does, any
 * other says so at `<domain>._report._dmarc.<destination>`.
 */
export async function reportsAccepted(
  domain: string,
  destination: string,
  resolver: Resolver,
): Promise<ReportsAccepted> {
  if (domain === destination) return { status: "accepted" };
  const name = `${domain}._report._dmarc.${destination}`;
  const answer = await resolver.resolve(name, "TXT");
  if (
    answer.status === "ok" &&
    answer.records.some(({ text }) => /^v\s*=\s*DMARC1\s*(;|$)/.test(text.trim()))
  )
    return { status: "accepted" };
  const [from, to] = [
    await organizationalDomain(domain, resolver),
    await organizationalDomain(destination, resolver),
  ];
  if (typeof from !== "string") return from;
  if (typeof to !== "string") return to;
  if (from === to) return { status: "accepted" };
  if (answer.status === "temperror") return { ...answer, name };
  return { status: "refused", name, absent: answer.status === "ok" ? "other" : answer.status };
}
