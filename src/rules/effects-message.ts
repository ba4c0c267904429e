import { z } from "zod";
import { underShadow, type RuleEffect, type RuleVerdict } from "./engine.ts";
import type { ShadowList } from "./rule-set.ts";

/** What an Osprey worker said of one action (osprey/README.md). Bounded: it comes over brokers. */
const name = z.string().max(300);
const Effect = z.object({
  entity_type: name,
  entity_id: z.string().max(2_048),
  label: name,
  status: z.enum(["added", "removed"]),
  rules: z.array(name).max(1_000),
  expires_after_ms: z.number().int().nonnegative().optional(),
  delay_action_by_ms: z.number().int().nonnegative().optional(),
  apply_if: name.nullish(),
});
export const EffectsMessage = z.object({
  action_id: z.string().max(40),
  rules_hash: z.string().max(100),
  /** False: Osprey gave no answer. */
  judged: z.boolean(),
  effects: z.array(Effect).max(1_000),
  fired: z.array(z.object({ rule: name, description: z.string().max(20_000) })).max(1_000),
});
export type EffectsMessage = z.infer<typeof EffectsMessage>;

/**
 * The verdicts that the message stands for, as the evaluator of this program gives them: in the order of `own`, its verdicts on
 * the same event, which also tells what each rule read. The shadow list is ours, Osprey knows none.
 */
export function verdictsOf(
  message: EffectsMessage,
  own: readonly RuleVerdict[],
  shadow: ShadowList,
): RuleVerdict[] {
  const place = (rule: string) => {
    const at = own.findIndex((one) => one.rule === rule);
    return at < 0 ? own.length : at;
  };
  return message.fired
    .toSorted((a, b) => place(a.rule) - place(b.rule))
    .map(({ rule, description }) => {
      const all = message.effects.filter(({ rules }) => rules.includes(rule)).map(toEffect);
      const values = own.find((one) => one.rule === rule)?.values ?? {};
      return underShadow({ rule, description, all: all.filter(isFirst), values }, shadow);
    });
}

function toEffect(effect: z.infer<typeof Effect>): RuleEffect {
  const { expires_after_ms: expires, delay_action_by_ms: delay } = effect;
  return {
    entityType: effect.entity_type,
    entityId: effect.entity_id,
    label: effect.label,
    status: effect.status,
    expiresAfterS: expires === undefined ? null : expires / 1000,
    applyIf: effect.apply_if ?? null,
    ...(delay !== undefined && { delayActionByS: delay / 1000 }),
  };
}

const textOf = (effect: RuleEffect) =>
  `${effect.status === "added" ? "+" : "-"} ${effect.entityType}/${effect.entityId}/${effect.label}${
    effect.expiresAfterS === null ? "" : ` for ${effect.expiresAfterS} s`
  }`;
const isFirst = (effect: RuleEffect, i: number, all: readonly RuleEffect[]) =>
  all.findIndex((one) => textOf(one) === textOf(effect)) === i;

/** Where two engines do not say the same of one event: a line each, none when they agree. The order of rules says nothing. */
export function differencesOf(embedded: readonly RuleVerdict[], osprey: readonly RuleVerdict[]): string[] {
  const lines: string[] = [];
  const names = [...new Set([...embedded, ...osprey].map(({ rule }) => rule))].toSorted();
  for (const rule of names) {
    const [ours, theirs] = [embedded, osprey].map((all) => all.find((one) => one.rule === rule));
    if (!ours || !theirs) {
      lines.push(`${rule} fired in ${ours ? "the embedded engine" : "Osprey"} alone`);
      continue;
    }
    if (ours.description !== theirs.description)
      lines.push(`${rule} says "${ours.description}" embedded, and "${theirs.description}" in Osprey`);
    const [here, there] = [ours, theirs].map(({ wouldEffects }) => new Set(wouldEffects.map(textOf))) as [
      Set<string>,
      Set<string>,
    ];
    for (const effect of here) if (!there.has(effect)) lines.push(`${rule}: ${effect} embedded alone`);
    for (const effect of there) if (!here.has(effect)) lines.push(`${rule}: ${effect} in Osprey alone`);
  }
  return lines;
}
