import type { Members } from "../../member/index.ts";
import type { Logger } from "../../platform/log.ts";
import { parseDkimKeyRecord } from "../../protocol/dkim-record/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";

/** What the DNS says of a key's record: undefined without an answer. */
type Seen = "there" | "other" | "absent" | undefined;

/** Whether all are there; undefined when that cannot be said. */
function present(looked: readonly { seen: Seen }[]): boolean | undefined {
  if (looked.some(({ seen }) => seen === "absent" || seen === "other")) return false;
  return looked.some(({ seen }) => seen === undefined) ? undefined : true;
}

/** Looks for the records of keys that turn, and lets the registry do what follows from it. */
export function createRotationFollower(members: Members, resolver: Resolver, log: Logger) {
  async function look(domain: string, selector: string, fingerprint: string): Promise<Seen> {
    const answer = await resolver.resolve(`${selector}._domainkey.${domain}`, "TXT");
    if (answer.status === "temperror") return undefined;
    if (answer.status !== "ok" || answer.records.length === 0) return "absent";
    const keys = answer.records.map((record) => parseDkimKeyRecord(record.text));
    const [key] = keys;
    const ours = keys.length === 1 && key?.status === "key" && key.record.fingerprint === fingerprint;
    return ours ? "there" : "other";
  }

  return {
    /** `hurry`: the next pair signs as soon as it is seen. */
    async follow(domain: string, hurry = false): Promise<void> {
      const turning = members
        .allKeysOf(domain)
        .filter((key) => key.state === "next" || key.state === "retired");
      const looked = await Promise.all(
        turning.map(async (key) => ({ key, seen: await look(domain, key.selector, key.fingerprint) })),
      );
      const next = looked.filter(({ key }) => key.state === "next");
      const selectors = next.map(({ key }) => key.selector);
      const steps = members.followRotation(domain, { selectors, seen: present(next) }, hurry);
      if (steps.length > 0) log.info({ domain, steps }, "keys turned");
      for (const { key, seen } of looked) {
        if (key.state === "retired" && seen === "absent") members.recordGone(domain, key.selector);
      }
    },
  };
}
