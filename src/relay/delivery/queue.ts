/** Each tenth place goes to who has waited longest, whatever the priority: mail to many is slow, and never starves. */
const TURN = 10;
const CODE = 0;

type Mail = { leased: { message: { did: string; priority: number } } };
type Entry<T> = { job: T; nth: number };

/** Who may be taken now: members by what they have already, and jobs by what they need. */
export type Fit<T> = { member: (did: string, priority: number) => boolean; job: (job: T) => boolean };

/**
 * What waits for one lane: by priority; within one, each member in turn; each tenth by age alone. Taking one costs the
 * same however many wait.
 */
export interface FairQueue<T extends Mail> {
  readonly size: number;
  /** Login codes among them. */
  readonly codes: number;
  push(job: T): void;
  /** Before all of its member: it was taken, and could not go. */
  putBack(job: T): void;
  take(fit: Fit<T>): T | undefined;
  /** Takes out all that match, in the order of arrival. */
  remove(which: (job: T) => boolean): T[];
}

export function createFairQueue<T extends Mail>(): FairQueue<T> {
  /** By priority; of each the members in turn, with what waits of each, oldest first. */
  const levels = new Map<number, Map<string, Entry<T>[]>>();
  let size = 0;
  let codes = 0;
  let arrived = 0;
  let taken = 0;

  function count({ leased: { message } }: T, change: 1 | -1): void {
    size += change;
    if (message.priority === CODE) codes += change;
  }

  function entriesOf(job: T): Entry<T>[] {
    const { did, priority } = job.leased.message;
    let level = levels.get(priority);
    if (!level) {
      levels.set(priority, (level = new Map()));
      // They are gone through in their order.
      for (const [p, one] of [...levels].toSorted(([a], [b]) => a - b)) {
        levels.delete(p);
        levels.set(p, one);
      }
    }
    let entries = level.get(did);
    if (!entries) level.set(did, (entries = []));
    return entries;
  }

  type Found = { level: Map<string, Entry<T>[]>; did: string; entries: Entry<T>[]; index: number };

  function* fitting({ member, job }: Fit<T>): Generator<Found> {
    for (const [priority, level] of levels) {
      for (const [did, entries] of level) {
        if (!member(did, priority)) continue;
        const index = entries.findIndex((entry) => job(entry.job));
        if (index >= 0) yield { level, did, entries, index };
      }
    }
  }

  function oldest(fit: Fit<T>): Found | undefined {
    let best: Found | undefined;
    const nth = ({ entries, index }: Found) => entries[index]!.nth;
    for (const found of fitting(fit)) if (!best || nth(found) < nth(best)) best = found;
    return best;
  }

  return {
    get size() {
      return size;
    },
    get codes() {
      return codes;
    },
    push(job) {
      entriesOf(job).push({ job, nth: arrived++ });
      count(job, 1);
    },
    putBack(job) {
      entriesOf(job).unshift({ job, nth: -1 });
      count(job, 1);
    },
    take(fit) {
      if (size === 0) return undefined;
      const found = taken % TURN === TURN - 1 ? oldest(fit) : fitting(fit).next().value;
      if (!found) return undefined;
      const { level, did, entries, index } = found as Found;
      const [{ job }] = entries.splice(index, 1) as [Entry<T>];
      // Its next turn comes after that of the others.
      level.delete(did);
      if (entries.length > 0) level.set(did, entries);
      taken++;
      count(job, -1);
      return job;
    },
    remove(which) {
      const out: Entry<T>[] = [];
      for (const level of levels.values()) {
        for (const [did, entries] of level) {
          const gone = entries.filter(({ job }) => which(job));
          if (gone.length === 0) continue;
          out.push(...gone);
          const left = entries.filter(({ job }) => !which(job));
          if (left.length > 0) level.set(did, left);
          else level.delete(did);
        }
      }
      for (const { job } of out) count(job, -1);
      return out.toSorted((a, b) => a.nth - b.nth).map(({ job }) => job);
    },
  };
}
