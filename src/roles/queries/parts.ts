import type { Labeler } from "../labeler.ts";
import type { Core } from "../core/index.ts";
import type { ProviderDesk } from "../provider-data.ts";
import type { MeasuresDesk } from "../measures-desk.ts";
import type { Zone } from "../zone/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Egress } from "../../egress/index.ts";
import type { PolicyBook } from "../../policy/index.ts";
import type { RulesEngine } from "../../rules/index.ts";
import type { Shaping } from "../../shaping/index.ts";
import type { Spool } from "../../spool/index.ts";
import type { DayVolume, PublicLabel } from "../../web/index.ts";

/** What the pages are filled from. Roles that run elsewhere are absent, and so is what only they know. */
export type QueryParts = {
  core: Core;
  rules: RulesEngine;
  labeler: Labeler | undefined;
  zone: Zone | undefined;
  spool: Spool | undefined;
  policyBook: PolicyBook | undefined;
  egress: Egress | undefined;
  measures: MeasuresDesk | undefined;
  shaping: Shaping | undefined;
  providers?: ProviderDesk | undefined;
  clock: Clock;
  publicUrl: string;
  /** `@host -p port` for `dig`, where the zone is not in the public DNS. */
  digServer: string | null;
};

export const dayOf = (at: number) => Math.floor(at / DAY_MS);
const dayName = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** The last `count` days up to today, oldest first, with zeroes where nothing happened. */
export function lastDays(
  parts: QueryParts,
  count: number,
  did?: string,
): (DayVolume & { accepted: number })[] {
  const today = dayOf(parts.clock.now());
  const byDay = new Map(parts.core.evidence.volumes(today - count + 1, did).map((v) => [v.day, v]));
  return Array.from({ length: count }, (_, i) => {
    const day = today - count + 1 + i;
    const volume = byDay.get(day);
    return {
      day: dayName(day),
      accepted: volume?.accepted ?? 0,
      delivered: volume?.delivered ?? 0,
      deferred: volume?.deferred ?? 0,
      bounced: volume?.bounced ?? 0,
    };
  });
}

export function labelsInForce({ labeler }: QueryParts, of?: string): PublicLabel[] {
  if (!labeler) return [];
  const records = new Map(labeler.attestations.list().map((a) => [a.uri, a]));
  const domains = new Map(labeler.attestations.list().map((a) => [a.did, a.domain]));
  return labeler.labels
    .active()
    .map((label) => {
      const record = records.get(label.uri);
      const did = record?.did ?? label.uri.replace(/^at:\/\//, "").split("/")[0]!;
      const shown = {
        value: label.val,
        uri: label.uri,
        domain: record?.domain ?? domains.get(did) ?? did,
        issuedAt: Date.parse(label.cts),
        expiresAt: label.exp === undefined ? null : Date.parse(label.exp),
      };
      return { did, shown };
    })
    .filter((label) => of === undefined || label.did === of)
    .map(({ shown }) => shown)
    .sort((a, b) => b.issuedAt - a.issuedAt);
}
