import { createHash } from "node:crypto";
import type { LabelsConfig } from "../protocol/sml/index.ts";

/** Rules and labels that are judged and recorded, and have no effect. */
export type ShadowList = { rules: readonly string[]; labels: readonly string[] };

/** The text of all rule files by path, the labels that they may give (null: none is configured), and what is in shadow. */
export type RuleSet = {
  files: Readonly<Record<string, string>>;
  labels: LabelsConfig | null;
  shadow?: ShadowList;
};

/** The rules cannot be used; the message shows each place with its line. */
export class RulesError extends Error {
  override readonly name = "RulesError";
}

const sorted = (record: object) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** Names the exact text of rules, labels and shadow list, so that a verdict can be explained by the rules that gave it. */
export function hashOf({ files, labels, shadow }: RuleSet): string {
  const { rules = [], labels: shadowed = [] } = shadow ?? {};
  const inShadow = rules.length + shadowed.length === 0 ? [] : [[rules.toSorted(), shadowed.toSorted()]];
  return createHash("sha256")
    .update(JSON.stringify([sorted(files), sorted(labels ?? {}), ...inShadow]))
    .digest("hex");
}
