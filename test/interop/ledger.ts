import type { Copy } from "./sink.ts";

/** What became of submissions, by Message-ID. */
export interface Ledger {
  /** The reply was 250: to these recipients. */
  acknowledged: Map<string, readonly string[]>;
  /** Cut after the final dot: the product may have it, or not. */
  unknown: Set<string>;
  /** Cut before it, or refused. */
  refused: Set<string>;
}

/** What was taken longer before the process died must have been recorded. */
const RECORDED_WITHIN_MS = 2_000;

/**
 * Compares what was answered with what the sink took. `deaths`: when the process died, ms since 1970. One sentence for
 * each breach: an acknowledged message that did not arrive, one that was not taken and did, and a second copy of a
 * recipient's without a death that explains it.
 */
export function reconcile(
  { acknowledged, unknown, refused }: Ledger,
  copies: readonly Pick<Copy, "messageId" | "to" | "at">[],
  deaths: readonly number[],
): string[] {
  const findings: string[] = [];
  const taken = new Map<string, number[]>();
  for (const { messageId, to, at } of copies) {
    const key = `${messageId} to ${to}`;
    taken.set(key, [...(taken.get(key) ?? []), at]);
    if (refused.has(messageId)) findings.push(`${key} was not taken, and was delivered`);
    else if (!acknowledged.has(messageId) && !unknown.has(messageId))
      findings.push(`${key} was never submitted`);
  }
  for (const [id, recipients] of acknowledged)
    for (const to of recipients)
      if (!taken.has(`${id} to ${to}`)) findings.push(`${id} to ${to} was acknowledged, and is lost`);
  for (const [key, times] of taken)
    for (const at of times.slice(0, -1))
      if (!deaths.some((death) => death > at - 500 && death - at < RECORDED_WITHIN_MS))
        findings.push(`${key} came again, and no crash explains it`);
  return findings;
}
