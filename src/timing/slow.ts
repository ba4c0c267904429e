/** A login code that took or waits longer is late: most die after fifteen minutes, and a person waits for each. */
export const SLOW_MS = 5 * 60_000;
/** Codes that were handed in within this time are looked at. */
export const LOOK_BACK_MS = 2 * 3_600_000;

/** Login codes of one member for one provider, handed in lately. */
export type CodesAt = {
  did: string;
  provider: string;
  /** Delivered, or waiting for longer than `SLOW_MS`. */
  known: number;
  /** Of those, late. */
  slow: number;
  /** Different recipients of those. */
  people: number;
  /** Late ones that still wait. */
  waiting: number;
  /** The longest of all, ms. */
  longestMs: number;
};

/** Where codes are late: for one member, or (`did` null) for the pool. */
export type SlowPlace = Omit<CodesAt, "did"> & { did: string | null };

/** Different people whose codes are late: one may be greylisted, or have a mail host of their own that is down. */
const PEOPLE = 2;
const PEOPLE_OF_POOL = 3;
/** Hosts that the shaping file does not know. */
const OTHER = "other";
const MEMBERS_OF_POOL = 2;

/** Where at least half of the codes are late, those of the pool first. What is no more than late does not keep it open. */
export function slowPlaces(codes: readonly CodesAt[]): SlowPlace[] {
  const pool = [...Map.groupBy(codes, ({ provider }) => provider)].flatMap(([provider, of]) => {
    // Many hosts that have nothing to do with each other: a greylist here and there is nobody's outage.
    if (provider === OTHER) return [];
    const sum = (name: "known" | "slow" | "people" | "waiting") =>
      of.reduce((all, one) => all + one[name], 0);
    const place = {
      did: null,
      provider,
      known: sum("known"),
      slow: sum("slow"),
      people: sum("people"),
      waiting: sum("waiting"),
      longestMs: Math.max(...of.map(({ longestMs }) => longestMs)),
    };
    const members = of.filter(({ slow }) => slow > 0).length;
    return members >= MEMBERS_OF_POOL && isSlow(place, PEOPLE_OF_POOL) ? [place] : [];
  });
  return [...pool, ...codes.filter((one) => isSlow(one, PEOPLE))];
}

const isSlow = ({ known, slow, people }: Omit<CodesAt, "did">, least: number): boolean =>
  people >= least && slow * 2 >= known;
