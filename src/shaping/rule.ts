import {
  classify,
  faultOf,
  isPermanent,
  type Classified,
  type ReplyClass,
  type ReplyFault,
  type ReplyPhase,
} from "../protocol/smtp-reply/index.ts";
import { contains, wordsOf, type Phrase } from "./phrase.ts";
import type { HeardReply, Measure, ShapedReply } from "./types.ts";

/** What a provider means with a reply. It matches when each condition that it has does. */
export type Rule = {
  /** `gmail/rate`; of rules for everybody `general/spamhaus`. */
  name: string;
  /** Three digits, or the first of them for a whole series: 4 and 5. */
  codes: readonly number[];
  enhanced: readonly EnhancedCodes[];
  phases: readonly ReplyPhase[];
  phrases: readonly Phrase[];
  /** Undefined: as the general table has it. */
  class: ReplyClass | undefined;
  fault: ReplyFault | undefined;
  /** Undefined: as the code says. */
  outcome: "retry" | "bounce" | undefined;
  measure: Measure | undefined;
  advice: string | undefined;
  source: string | undefined;
};

/** `5.7.606-649`; the first digit is undefined for `x`, which is both 4 and 5. */
export type EnhancedCodes = { series: number | undefined; subject: number; from: number; to: number };

export function readEnhanced(text: string): EnhancedCodes | undefined {
  const [, series, subject, from, to] = /^([45x])\.(\d{1,3})\.(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
  if (series === undefined) return undefined;
  const codes = { subject: Number(subject), from: Number(from), to: Number(to ?? from) };
  return { series: series === "x" ? undefined : Number(series), ...codes };
}

/** The first rule that matches a reply. The other side's words alone are judged: not ours, and no success. */
function findRule(rules: readonly Rule[], reply: HeardReply): Rule | undefined {
  if (reply.own === true || reply.code < 400) return undefined;
  const words = wordsOf(reply.text);
  return rules.find((rule) => matches(rule, reply, words));
}

function matches({ codes, enhanced, phases, phrases }: Rule, reply: HeardReply, words: string): boolean {
  if (codes.length > 0 && !codes.some((code) => code === reply.code || code === Math.floor(reply.code / 100)))
    return false;
  if (phases.length > 0 && !phases.includes(reply.phase)) return false;
  if (enhanced.length > 0 && !enhanced.some((codes) => isOneOf(reply.enhanced, codes))) return false;
  return phrases.length === 0 || phrases.some((phrase) => contains(words, phrase));
}

function isOneOf(enhanced: string, { series, subject, from, to }: EnhancedCodes): boolean {
  const [a, b, c] = enhanced.split(".").map(Number);
  if (a === undefined || b !== subject || c === undefined) return false;
  return (series === undefined || series === a) && c >= from && c <= to;
}

/** The general table's judgement, and over it what the rule says. Pure. */
export function judgeBy(rules: readonly Rule[], reply: HeardReply): ShapedReply {
  const rule = findRule(rules, reply);
  const base = classify(reply);
  if (!rule) return { ...base, measure: undefined, rule: undefined, advice: undefined, source: undefined };
  const { measure, name, advice, source } = rule;
  return { ...classified(rule, reply, base), measure, rule: name, advice, source };
}

function classified(rule: Rule, reply: HeardReply, base: Classified): Classified {
  const kind = rule.class ?? base.class;
  const permanent = rule.outcome === undefined ? isPermanent(reply, kind) : rule.outcome === "bounce";
  return { class: kind, permanent, fault: rule.fault ?? faultOf(kind) };
}
