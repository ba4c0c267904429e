import { isIP } from "node:net";
import { reverseName, type DnsAnswer, type Resolver } from "../protocol/dns/index.ts";
import type { Listing } from "./types.ts";

/** What a list said of one address, once. */
export type Said =
  | { state: "clear"; evidence: string }
  | { state: "listed"; evidence: string; codes: string[]; text: string }
  | { state: "unusable" | "silent"; evidence: string };

/** A listing that its list has not repeated for so long is over: a list that died would else keep an address out for good. */
const SILENT_MS = 3 * 86_400_000;
/** Checks in a row that find an address clear before its listing is over. */
const CLEAR_CHECKS = 2;
const LONGEST_TEXT = 300;

/** RFC 5782 section 5: of IPv4 127.0.0.2 is listed and 127.0.0.1 is not; of IPv6 the same two, mapped. */
const TEST_ENTRIES = {
  4: { listed: "127.0.0.2", clear: "127.0.0.1" },
  6: { listed: "::ffff:127.0.0.2", clear: "::ffff:127.0.0.1" },
} as const;

/**
 * Two root name servers of each family (a and k). They send no mail, so a list of senders that has both of them has
 * everybody, although it may pass its own test entries: a wildcard over a dead zone can leave 127.0.0.1 out.
 */
const NEVER_LISTED = {
  4: ["198.41.0.4", "193.0.14.129"],
  6: ["2001:503:ba3e::2:30", "2001:7fd::1"],
} as const;

/** `1.2.0.192.list.example` (RFC 5782 section 2.1, for IPv6 section 2.4). */
export function listName(address: string, list: string): string | undefined {
  const reversed = reverseName(address)?.replace(/\.(in-addr|ip6)\.arpa$/, "");
  return reversed === undefined ? undefined : `${reversed}.${list}`;
}

/** A zone that begins with a key (as those of Spamhaus's Data Query Service do) is shown without it. */
export const shownList = (list: string): string => list.replace(/^[a-z0-9]{20,}\./i, "");

/**
 * An answer in 127.0.0.0/8 is a listing (RFC 5782 section 2.1), but for 127.0.0.1 and for 127.255.255.0/24, with which
 * Spamhaus says that it does not answer this resolver; whatever lies outside comes from somebody who took the zone over.
 */
export function readAnswer(answer: DnsAnswer<"A">): Said {
  if (answer.status === "temperror") return { state: "silent", evidence: answer.detail };
  if (answer.status !== "ok") return { state: "clear", evidence: answer.status };
  const codes = answer.records.map(({ address }) => address);
  const evidence = codes.join(", ");
  const refusal = codes.find((code) => code.startsWith("127.255.255."));
  if (refusal !== undefined)
    return { state: "unusable", evidence: `it refuses this resolver (${refusal}${refusalWords(refusal)})` };
  if (codes.some((code) => !code.startsWith("127.")))
    return { state: "unusable", evidence: `it answers ${evidence}, which is no code of a blocklist` };
  const listed = codes.filter((code) => code !== "127.0.0.1");
  if (listed.length === 0) return { state: "clear", evidence };
  return { state: "listed", evidence, codes: listed, text: "" };
}

/** https://www.spamhaus.org/faqs/dnsbl-usage/ */
function refusalWords(code: string): string {
  if (code === "127.255.255.252") return ": the zone's name is mistyped";
  if (code === "127.255.255.254") return ": it came through a public resolver; run one of your own";
  if (code === "127.255.255.255") return ": too many queries";
  return "";
}

/** Whether a list answers as a list should, for one family. Undefined: it does. */
export async function faultOfList(
  resolver: Resolver,
  list: string,
  family: 4 | 6,
): Promise<Exclude<Said, { state: "clear" | "listed" }> | undefined> {
  const { listed, clear } = TEST_ENTRIES[family];
  const [must, mustNot] = await Promise.all(
    [listed, clear].map(async (entry) => readAnswer(await resolver.resolve(listName(entry, list)!, "A"))),
  );
  for (const said of [must!, mustNot!])
    if (said.state === "unusable" || said.state === "silent") return { ...said };
  if (must!.state !== "listed")
    return {
      state: "unusable",
      evidence: `its test entry ${listed} is not listed: it is closed, or knows no IPv${family}`,
    };
  if (mustNot!.state !== "clear")
    return { state: "unusable", evidence: `it lists ${clear}, and so everybody` };
  return undefined;
}

/** To be asked when a list has an address of ours: whether it has those that nobody has reason to list. Undefined: no. */
export async function faultOfListing(
  resolver: Resolver,
  list: string,
  family: 4 | 6,
): Promise<Extract<Said, { state: "unusable" | "silent" }> | undefined> {
  const never = NEVER_LISTED[family];
  const said = await Promise.all(
    never.map(async (entry) => readAnswer(await resolver.resolve(listName(entry, list)!, "A"))),
  );
  if (said.some(({ state }) => state !== "listed")) return undefined;
  return {
    state: "unusable",
    evidence: `it lists the root name servers (${never.join(", ")}), and so everybody`,
  };
}

/** Asks one list about one address; the list must have passed its test entries just now. */
export async function askList(resolver: Resolver, list: string, address: string): Promise<Said> {
  const name = listName(address, list);
  if (name === undefined || isIP(address) === 0)
    return { state: "unusable", evidence: `${address} is no address` };
  const said = readAnswer(await resolver.resolve(name, "A"));
  if (said.state !== "listed") return said;
  const reason = await resolver.resolve(name, "TXT");
  const text = reason.status === "ok" ? reason.records.map((record) => record.text).join(" ") : "";
  return { ...said, text: printable(text).slice(0, LONGEST_TEXT) };
}

const printable = (text: string): string => text.replace(/[^\x21-\x7e]+/g, " ").trim();

/**
 * What is known of an address on a list after one more look. Listed counts at once; it is over after two clear answers in
 * a row; a list that says nothing changes nothing for three days, and then ends what it began.
 */
export function afterLook(
  before: Listing | undefined,
  said: Said,
  { list, now }: { list: string; now: number },
): Listing {
  const speaks = said.state === "listed" || said.state === "clear";
  // What was written down before this was kept has its three days from now on.
  const heardAt = speaks ? now : (before?.heardAt ?? now);
  const seen = { list, state: said.state, evidence: said.evidence, checkedAt: now, heardAt };
  if (said.state === "listed") {
    const since = before?.listed?.since ?? now;
    return { ...seen, listed: { since, codes: said.codes, text: said.text }, clear: 0 };
  }
  if (said.state !== "clear") {
    const listed = now - heardAt >= SILENT_MS ? undefined : before?.listed;
    return { ...seen, listed, clear: before?.clear ?? 0 };
  }
  const clear = Math.min((before?.clear ?? 0) + 1, CLEAR_CHECKS);
  return { ...seen, listed: clear >= CLEAR_CHECKS ? undefined : before?.listed, clear };
}
