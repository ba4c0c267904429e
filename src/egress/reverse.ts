import { isIP } from "node:net";
import { reverseName, type DnsAnswer, type Resolver } from "../protocol/dns/index.ts";
import type { Reverse } from "./types.ts";

/** What the DNS said of an address and of its name in EHLO. */
export type ReverseAnswers = {
  ptr: DnsAnswer<"PTR">;
  /** Addresses of each name of the PTR, and of the EHLO name; undefined: the DNS said nothing. */
  forward: ReadonlyMap<string, readonly string[] | undefined>;
};

/** More names of one address are not followed. */
const MOST_NAMES = 5;

export async function askReverse(
  resolver: Resolver,
  { address, ehlo }: { address: string; ehlo: string },
): Promise<ReverseAnswers> {
  const type = isIP(address) === 6 ? "AAAA" : "A";
  const ptr = await resolver.resolve(reverseName(address)!, "PTR");
  const names = new Set([ehlo.toLowerCase(), ...namesOf(ptr)]);
  const forward = await Promise.all(
    [...names].map(async (name) => {
      const answer = await resolver.resolve(name, type);
      if (answer.status === "temperror") return [name, undefined] as const;
      return [name, answer.status === "ok" ? answer.records.map((record) => record.address) : []] as const;
    }),
  );
  return { ptr, forward: new Map(forward) };
}

function namesOf(ptr: DnsAnswer<"PTR">): string[] {
  return ptr.status === "ok"
    ? ptr.records.slice(0, MOST_NAMES).map(({ target }) => target.toLowerCase())
    : [];
}

/** Undefined: the DNS said too little to tell, and what was known stays. */
export function judgeReverse(
  { address, ehlo }: { address: string; ehlo: string },
  { ptr, forward }: ReverseAnswers,
  now: number,
): Reverse | undefined {
  if (ptr.status === "temperror" || [...forward.values()].some((found) => found === undefined))
    return undefined;
  const names = namesOf(ptr);
  const wanted = sameAddress(address);
  const leadsHere = (name: string) =>
    forward.get(name)?.some((found) => sameAddress(found) === wanted) ?? false;
  const confirmed = names.some(leadsHere);
  const ehloLeads = leadsHere(ehlo.toLowerCase());
  const record = isIP(address) === 6 ? "AAAA" : "A";
  let problem: string | undefined;
  if (names.length === 0)
    problem = `${address} has no PTR record: have the owner of the network publish ${ehlo}`;
  else if (!confirmed)
    problem = `The PTR of ${address} is ${names.join(", ")}, which does not lead back to it: publish its ${record} record`;
  else if (!ehloLeads)
    problem = `${ehlo} (said in EHLO) does not lead to ${address}: publish its ${record} record`;
  else if (!names.includes(ehlo.toLowerCase()))
    problem = `The PTR of ${address} is ${names.join(", ")}, and EHLO says ${ehlo}: let them be the same name`;
  return { checkedAt: now, names, confirmed, ehlo: ehloLeads, problem };
}

/** One spelling for each address. */
function sameAddress(address: string): string {
  return reverseName(address) ?? address;
}
