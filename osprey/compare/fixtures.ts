import type { Envelope } from "../../src/event/index.ts";
import type { Received } from "./brokers.ts";

const MOST = 18;
const MOST_WITH_ERRORS = 2;

/** The first message for each set of rules and labels, and a few with errors, with their envelopes. */
export function fixtures(events: readonly Envelope[], received: readonly Received[]): string {
  const messages = new Map(received.map((one) => [one.message.action_id, one]));
  const all = events.flatMap((envelope) => {
    const one = messages.get(envelope.data.action_id);
    return one === undefined ? [] : [{ envelope, key: one.key, message: one.message }];
  });
  const kinds = new Map<string, (typeof all)[number]>();
  for (const one of all) {
    const { fired, effects } = one.message;
    const kind = JSON.stringify([fired.map(({ rule }) => rule), effects.map(({ label }) => label)]);
    if (!kinds.has(kind)) kinds.set(kind, one);
  }
  const broken = all.filter(({ message }) => message.error_count > 0 && message.fired.length > 0);
  const chosen = [...[...kinds.values()].slice(0, MOST), ...broken.slice(0, MOST_WITH_ERRORS)];
  return `${chosen.map((one) => JSON.stringify(one)).join("\n")}\n`;
}
