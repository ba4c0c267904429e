import type { Envelope } from "../../src/event/index.ts";
import type { Received } from "./brokers.ts";

const SILENT = 3;

/** The first message in which each set of rules fired, and a few of each kind in which none did, with their envelopes. */
export function fixtures(events: readonly Envelope[], received: readonly Received[]): string {
  const messages = new Map(received.map((one) => [one.message.action_id, one]));
  const chosen = new Map<string, number>();
  const lines = events.flatMap((envelope) => {
    const one = messages.get(envelope.data.action_id);
    if (one === undefined) return [];
    const { fired, effects, error_count } = one.message;
    const labels = effects.map(({ label }) => label);
    const kind = [fired.map(({ rule }) => rule), labels, error_count > 0].join("|");
    const times = (chosen.get(kind) ?? 0) + 1;
    chosen.set(kind, times);
    const most = fired.length === 0 && error_count === 0 ? SILENT : 1;
    if (times > most || (chosen.size > 20 && times === 1)) return [];
    return [JSON.stringify({ envelope, key: one.key, message: one.message })];
  });
  return `${lines.join("\n")}\n`;
}
