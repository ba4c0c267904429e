import type { Job } from "./job.ts";

/** What one session has in hand. */
export type Hand = { job: Job | undefined };

/** What all sessions have in hand, so many of each member, and what of it shall not begin any more. */
export function createHands() {
  const members = new Map<string, number>();
  const taken = new Set<Job>();
  const recalled = new WeakSet<Job>();

  function change({ leased: { message } }: Job, by: 1 | -1): void {
    const left = (members.get(message.did) ?? 0) + by;
    if (left > 0) members.set(message.did, left);
    else members.delete(message.did);
  }

  return {
    of: (did: string): number => members.get(did) ?? 0,
    take(job: Job): void {
      taken.add(job);
      change(job, 1);
    },
    /** It is in nobody's hand any more; undefined: nothing was. */
    release(hand: Hand): Job | undefined {
      const { job } = hand;
      hand.job = undefined;
      if (job && taken.delete(job)) change(job, -1);
      return job;
    },
    recall(which: (job: Job) => boolean): void {
      for (const job of taken) if (which(job)) recalled.add(job);
    },
    isRecalled: (job: Job): boolean => recalled.has(job),
  };
}
