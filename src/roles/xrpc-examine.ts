import type { Clock } from "../lib/clock.ts";

export type Examiner<K extends { domain: string }, R> = (
  question: K,
) => { status: "busy" } | { status: "taken"; result: Promise<R> };

export type ExaminerOptions = {
  clock: Clock;
  /** Examinations under way at once. Default 8. */
  parallel?: number;
  /** Examinations that wait for a place. Default 64. */
  waiting?: number;
  /** For how long an answer is given again, in ms. Default a minute. */
  ttlMs?: number;
  /** Answers that are kept. Default 1,000. */
  kept?: number;
};

/**
 * Answers anybody's questions about domains within bounds: the same question is worked on once and its answer kept for
 * a moment, so many at once, so many that wait, and no more.
 */
export function createExaminer<K extends { domain: string }, R>(
  work: (question: K) => Promise<R>,
  options: ExaminerOptions,
): Examiner<K, R> {
  const { clock, parallel = 8, waiting = 64, ttlMs = 60_000, kept = 1_000 } = options;
  const answers = new Map<string, { at: number; result: Promise<R> }>();
  const queue: (() => void)[] = [];
  let running = 0;

  async function inTurn(question: K): Promise<R> {
    if (running >= parallel) await new Promise<void>((go) => queue.push(go));
    else running++;
    try {
      return await work(question);
    } finally {
      // The place goes to the next in the queue, or is free.
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  }

  return (question) => {
    const key = JSON.stringify(question);
    const before = answers.get(key);
    if (before && clock.now() - before.at < ttlMs) return { status: "taken", result: before.result };
    if (running >= parallel && queue.length >= waiting) return { status: "busy" };
    const result = inTurn(question);
    const answer = { at: clock.now(), result };
    answers.delete(key);
    answers.set(key, answer);
    result.catch(() => answers.get(key) === answer && answers.delete(key));
    if (answers.size > kept) answers.delete(answers.keys().next().value!);
    return { status: "taken", result };
  };
}
