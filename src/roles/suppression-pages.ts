import type { Clock } from "../lib/clock.ts";
import { parseAddress } from "../relay/index.ts";
import type { Spool } from "../spool/index.ts";
import type { Suppression } from "../suppression/index.ts";
import { maskAddress, type SuppressedRecipient, type SuppressionPages } from "../web/index.ts";
import type { Core } from "./core/index.ts";

const PAGE = 50;

/** Fills the pages of suppressed recipients from core, and from the spool as long as that knows an address. */
export function createSuppressionPages(parts: {
  core: Pick<Core, "members" | "suppressions">;
  clock: Clock;
  spool: Pick<Spool, "message"> | undefined;
  keyOf: ((address: string) => string) | undefined;
}): SuppressionPages {
  const { core, clock, spool, keyOf } = parts;
  const { members, suppressions: desk } = core;

  const domainOf = (did: string) => members.domainsOf(did)[0]?.name ?? did;

  /** `known`: the address, where somebody has typed it. */
  async function shown(entry: Suppression, known?: string): Promise<SuppressedRecipient> {
    const { id, did, streams, reason, domain, createdAt, expiresAt, evidence, source } = entry;
    const address = known ?? (await addressOf(entry));
    const isByHand = reason === "manual" || reason === "import";
    const { code = 0, enhanced = "", text = "", provider = "" } = evidence ?? {};
    return {
      id,
      pool: did === null,
      streams,
      reason,
      address: address === undefined ? domain && `…@${domain}` : maskAddress(address),
      domain,
      since: createdAt,
      until: expiresAt,
      by: isByHand ? source : "",
      words: text.startsWith(String(code)) ? text : [code || "", enhanced, text].filter(Boolean).join(" "),
      provider,
    };
  }

  async function addressOf({ messageId, key }: Suppression): Promise<string | undefined> {
    if (messageId === null || !spool || !keyOf) return undefined;
    const message = await spool.message(messageId);
    return message?.recipients.find(({ address }) => keyOf(address) === key)?.address;
  }

  async function pageOf(did: string | null, before: number | undefined) {
    const entries = desk.list({ did, limit: PAGE, ...(before !== undefined && { before }) });
    return {
      asOf: clock.now(),
      entries: await Promise.all(entries.map((entry) => shown(entry))),
      next: entries.length < PAGE ? null : entries.at(-1)!.id,
      counts: desk.counts(did).map(({ reason, n }) => ({ reason, n })),
    };
  }

  return {
    async ofMember(did, before) {
      if (!members.get(did)) return null;
      return { did, domain: domainOf(did), ...(await pageOf(did, before)) };
    },

    async ofPool(before) {
      const byMember = Map.groupBy(
        desk.counts().flatMap(({ did, ...one }) => (did === null ? [] : [{ did, ...one }])),
        ({ did }) => did,
      );
      const counted = [...byMember].map(([did, reasons]) => ({
        did,
        domain: domainOf(did),
        n: reasons.reduce((sum, { n }) => sum + n, 0),
        reasons: reasons.map(({ reason, n }) => ({ reason, n })),
      }));
      return { ...(await pageOf(null, before)), members: counted.sort((a, b) => b.n - a.n) };
    },

    async find(asked, did) {
      const address = parseAddress(asked)?.address;
      if (address === undefined) return { found: "no-address", asked: asked.slice(0, 100) };
      if (!keyOf) return { found: "no-key" };
      const all = desk.about(keyOf(address), did).filter(({ exempt }) => !exempt);
      const passes = did !== undefined && desk.about(keyOf(address), did).some(({ exempt }) => exempt);
      // The committee sees what binds the pool; what a member has for itself is for that member's page.
      const binding = all.filter((one) => (one.did === null ? !passes : did !== undefined));
      if (binding.length === 0) return { found: "nothing", address: maskAddress(address) };
      // What was said about the pool's was said to another member.
      const told = did === undefined ? binding : binding.map(withoutOthers);
      const entries = await Promise.all(told.map((entry) => shown(entry, address)));
      return { found: "entries", address: maskAddress(address), entries };
    },

    release(did, id, { by }) {
      if (did !== null) return desk.releaseAsMember(did, id, by);
      return desk.get(id)?.did === null ? desk.release(id, by) : Promise.resolve(false);
    },
  };
}

const withoutOthers = (entry: Suppression): Suppression =>
  entry.did === null ? { ...entry, evidence: null } : entry;
