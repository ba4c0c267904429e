import type { EgressStatus } from "../egress/index.ts";
import type { Evidence } from "../evidence/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import { dayName, type DayFigures, type Figures, type Subject } from "../provider-data/index.ts";

const REACH_DAYS = 30;

const listingsOf = (subject: string): Subject => ({ provider: "blocklists", kind: "address", subject });

/**
 * Yahoo's complaint feed comes by mail, and its Insights have no interface for programs: what there is for each day is how
 * many complaints came and how much was delivered there. From a member's first day with either on, a day without is a true
 * zero, for we count it ourselves. Of a day that has not ended there is nothing.
 */
export function yahooFigures(
  evidence: Pick<Evidence, "ofProvider">,
  now: number,
): { days: DayFigures[]; subjects: Subject[] } {
  const today = Math.floor(now / DAY_MS);
  const byMember = Map.groupBy(evidence.ofProvider("yahoo", today - REACH_DAYS), ({ did }) => did);
  const days: DayFigures[] = [];
  const subjects: Subject[] = [];
  for (const [did, rows] of byMember) {
    const about: Subject = { provider: "yahoo", kind: "member", subject: did };
    const known = new Map(rows.map((row) => [row.day, row]));
    subjects.push(about);
    for (let day = rows[0]!.day; day < today; day++) {
      const { delivered = 0, complaints = 0 } = known.get(day) ?? {};
      days.push({ ...about, day: dayName(day * DAY_MS), figures: { delivered, complaints } });
    }
  }
  return { days, subjects };
}

/**
 * What the watch of our own addresses saw today: the worst of the day stays. Of a day on which no list said anything there is
 * no row. `lists` names those that had it, `asked` counts those that answered.
 */
export function blocklistFigures(
  addresses: readonly EgressStatus[],
  now: number,
  before: (address: string, day: string) => { figures: Figures } | undefined,
): { days: DayFigures[]; subjects: Subject[] } {
  const day = dayName(now);
  const watched = addresses.filter(({ address, listings }) => address !== "" && listings.length > 0);
  const days = watched.flatMap(({ address, listings, reverse }): DayFigures[] => {
    const answered = listings.filter(
      ({ state, checkedAt }) => (state === "clear" || state === "listed") && dayName(checkedAt) === day,
    );
    if (answered.length === 0) return [];
    const known = before(address, day)?.figures;
    const lists = new Set(
      typeof known?.["lists"] === "string" ? known["lists"].split(", ").filter(Boolean) : [],
    );
    for (const { list, listed } of listings) if (listed) lists.add(list);
    const asked = Math.max(answered.length, typeof known?.["asked"] === "number" ? known["asked"] : 0);
    const reverseFits = reverse && reverse.problem === undefined;
    const figures: Figures = { listed: lists.size, lists: [...lists].sort().join(", "), asked };
    if (reverse) figures["reverse_dns"] = reverseFits === true && known?.["reverse_dns"] !== false;
    return [{ ...listingsOf(address), day, figures }];
  });
  return { days, subjects: watched.map(({ address }) => listingsOf(address)) };
}
