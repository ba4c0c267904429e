import type { EventData } from "../event/index.ts";
import { judge } from "./judge.ts";
import type { StoredDay } from "./store.ts";
import type { Figures } from "./types.ts";

/** Days that a rule may look at beside the day itself. */
export const WINDOW_DAYS = 30;

const keyOf = ({ provider, kind, subject, day }: StoredDay, revision: number): string =>
  ["provider", provider, kind, subject, day, ...(revision > 1 ? [String(revision)] : [])].join(":");

/**
 * `provider_reported`: the day's figures of one subject. Figures that were revised are told again under a key of their own,
 * with `replaces`: the key of what they replace. So that nothing counts twice, what a rule counts over days comes ready
 * counted from the rows as they stand: `detail.window`. `detail.day` is YYYY-MM-DD; `level` is what `judge` says.
 */
export function providerReported(
  row: StoredDay,
  member: { did: string; domain: string },
  window: readonly { figures: Figures }[],
): EventData {
  const { provider, kind, subject, day, figures, revision } = row;
  const level = judge(provider, figures)?.level ?? "unknown";
  const levels = window.map((one) => judge(provider, one.figures)?.level);
  const count = (of: string) => levels.filter((one) => one === of).length;
  return {
    dedupe_key: keyOf(row, revision),
    member,
    detail: {
      provider,
      kind,
      subject,
      day,
      revision,
      ...(revision > 1 && { replaces: keyOf(row, revision - 1) }),
      level,
      figures,
      window: { days: WINDOW_DAYS, known: window.length, warn: count("warn"), bad: count("bad") },
    },
  };
}
