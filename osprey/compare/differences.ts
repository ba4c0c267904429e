import type { Envelope } from "../../src/event/index.ts";
import { evaluate, type AppliedLabel, type JsonObject, type Outcome } from "../../src/protocol/sml/index.ts";

/** README.md, "The effects message". */
export type EffectsMessage = {
  schema: 1;
  engine: "osprey";
  action_id: string;
  action_name: string;
  did: string | null;
  rules_hash: string;
  judged: boolean;
  effects: {
    entity_type: string;
    entity_id: string;
    label: string;
    status: "added" | "removed";
    rules: string[];
    expires_after_ms?: number;
    delay_action_by_ms?: number;
    apply_if?: string;
  }[];
  declared: string[];
  fired: { rule: string; description: string }[];
  features: Record<string, unknown>;
  error_count: number;
};

type Engine = { program: Parameters<typeof evaluate>[0]; hash: string };

/** What the embedded engine would have said, as a message. */
export function expected({ program, hash }: Engine, { data, send_time }: Envelope): EffectsMessage {
  const outcome = evaluate(program, {
    actionId: data.action_id,
    actionName: data.action_name,
    sendTime: send_time,
    data: data.data as unknown as JsonObject,
  });
  return {
    schema: 1,
    engine: "osprey",
    action_id: data.action_id,
    action_name: data.action_name,
    did: didOf(data.data),
    rules_hash: hash,
    judged: true,
    effects: outcome.labelEffects.map(toEffect),
    declared: outcome.verdicts,
    fired: outcome.firedRules.map(({ name, description }) => ({ rule: name, description })),
    features: featuresOf(outcome),
    error_count: outcome.errorCount,
  };
}

/** Where two messages differ, one line each. Effects have no order among themselves. */
export function differences(ours: EffectsMessage, theirs: EffectsMessage): string[] {
  const [left, right] = [inOrder(ours), inOrder(theirs)];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].flatMap((name) => {
    const [a, b] = [canonical(left[name]), canonical(right[name])];
    return a === b ? [] : [`${name}: embedded ${a}, Osprey ${b}`];
  });
}

function inOrder({ features, effects, declared, ...rest }: EffectsMessage): Record<string, unknown> {
  const flat = Object.entries(features).map(([name, value]) => [`features.${name}`, value]);
  const sorted = effects.map(canonical).sort();
  return { ...rest, ...Object.fromEntries(flat), effects: sorted, declared: declared.toSorted() };
}

/** As JSON, with names in order. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? "nothing"
  );
}

function toEffect(effect: AppliedLabel): EffectsMessage["effects"][number] {
  const { entityType, entityId, label, status, rules, expiresAfterS, delayActionByS, applyIf } = effect;
  return {
    entity_type: entityType,
    entity_id: String(entityId),
    label,
    status,
    rules,
    ...(expiresAfterS !== null && { expires_after_ms: expiresAfterS * 1_000 }),
    ...(delayActionByS !== undefined && { delay_action_by_ms: delayActionByS * 1_000 }),
    ...(applyIf !== null && { apply_if: applyIf }),
  };
}

const featuresOf = ({ features }: Outcome) => features as Record<string, unknown>;

function didOf(data: unknown): string | null {
  const did = (data as { member?: { did?: unknown } | null }).member?.did;
  return typeof did === "string" && /^[ -~]{1,2048}$/.test(did) ? did : null;
}
