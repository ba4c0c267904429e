import type { ActionName } from "../event/index.ts";

/** A comparison of a rule: in words, with its number, and why it is this one (empty where nothing is said). */
export type RuleAsks = { words: string; number: string | null; why: string };

/** A rule for people to read. */
export type PublicRule = {
  name: string;
  /** What it found, in a sentence. */
  title: string;
  /** Judged and recorded; nothing follows. */
  shadow: boolean;
  looksAt: ActionName[];
  /** All must hold. */
  asks: RuleAsks[];
  consequence: string;
  wayBack: string;
  /** How often it has spoken in the whole pool in `days`, and when last, ms. */
  fired: number;
  lastAt: number | null;
};

export type RulesView = {
  asOf: number;
  /** Names the exact text of the rules in force. */
  hash: string;
  /** In force since, ms. */
  since: number;
  days: number;
  rules: PublicRule[];
};
