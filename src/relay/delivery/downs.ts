import type { Job, JobEnd } from "./job.ts";

/** Shorter than the first wait for a retry: whoever comes again asks the host itself. */
const DOWN_MS = 30_000;
const MOST = 10_000;

/** Of what was said to who asked, for those who come behind: its end. */
const MOST_CHARS = 1_000;

type Tried = Extract<JobEnd, { kind: "tried" }>;

/** Hosts that nobody reached a moment ago: what comes behind fails with what went before, and waits for no deadline. */
export function createDowns(now: () => number) {
  const downs = new Map<string, { since: number; end: Tried; fate: (job: Job) => boolean }>();
  return {
    note(key: string, end: Tried, fate: (job: Job) => boolean): void {
      downs.delete(key);
      const transcript = endOf(end.result.transcript);
      downs.set(key, { since: now(), end: { ...end, result: { ...end.result, transcript } }, fate });
      if (downs.size > MOST) downs.delete(downs.keys().next().value!);
    },
    fate(key: string, job: Job): Tried | undefined {
      const down = downs.get(key);
      if (!down) return undefined;
      const at = now();
      if (at < down.since || at >= down.since + DOWN_MS) {
        downs.delete(key);
        return undefined;
      }
      return down.fate(job) ? { ...down.end, result: { ...down.end.result, at, durationMs: 0 } } : undefined;
    },
  };
}

function endOf(transcript: string): string {
  if (transcript.length <= MOST_CHARS) return transcript;
  const end = transcript.slice(transcript.indexOf("\n", transcript.length - MOST_CHARS) + 1);
  return `*: some of it is left out\n${end.slice(-MOST_CHARS)}`;
}
