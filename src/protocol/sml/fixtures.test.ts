import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  compile,
  evaluate,
  type AppliedLabel,
  type ExistingLabel,
  type Feature,
  type FeatureType,
  type JsonObject,
  type LabelsConfig,
} from "./index.ts";

/** One line of `fixtures/*.jsonl`: a set of rule files with what must come of it. */
type Case = {
  name: string;
  why: string;
  files: Record<string, string>;
  labels_config: LabelsConfig | null;
  events: { action_id: number | string; action_name: string; send_time: string; data: JsonObject }[];
  existing_labels?: Record<string, Record<string, ExistingLabel>>;
  expect?: Expected[];
  expect_invalid?: { file: string; line: number; kind: string }[];
};
type Expected = {
  features: Record<string, Feature>;
  types: Record<string, FeatureType>;
  error_count: number;
  label_effects: unknown[];
  verdicts: string[];
  fired_rules: string[];
  descriptions: Record<string, { template: string; values: Record<string, string> }>;
};

const directory = new URL("fixtures/", import.meta.url);
const topics = readdirSync(directory)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => ({
    topic: name.replace(".jsonl", ""),
    cases: readFileSync(new URL(name, directory), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Case),
  }));

describe.each(topics)("$topic", ({ cases }) => {
  test.each(cases)("$name: $why", (one) => {
    const compiled = compile(one.files, one.labels_config);
    if (one.expect_invalid !== undefined) {
      const found = compiled.ok ? [] : compiled.diagnostics;
      expect(found.map(({ file, line, kind }) => ({ file, line, kind }))).toEqual(one.expect_invalid);
      return;
    }
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
    const outcomes = one.events.map((event) => {
      const { action_id: actionId, action_name: actionName, send_time: sendTime, data } = event;
      const action = { actionId: String(actionId), actionName, sendTime, data };
      const outcome = evaluate(compiled.program, action, { existingLabels: one.existing_labels ?? {} });
      return {
        features: outcome.features,
        types: outcome.types,
        error_count: outcome.errorCount,
        label_effects: outcome.labelEffects.map(written),
        verdicts: outcome.verdicts,
        fired_rules: outcome.firedRules.map((rule) => rule.name),
        descriptions: Object.fromEntries(
          outcome.firedRules.map(({ name, template, values }) => [name, { template, values }]),
        ),
      };
    });
    expect(outcomes).toEqual(one.expect);
  });
});

test("there are fixtures of every topic", () => {
  const sizes = topics.map(({ topic, cases }) => [topic, cases.length > 3]);
  expect(Object.fromEntries(sizes)).toEqual({
    functions: true,
    invalid: true,
    language: true,
    reading: true,
    rules: true,
  });
});

function written(effect: AppliedLabel) {
  return {
    entity_type: effect.entityType,
    entity_id: effect.entityId,
    label: effect.label,
    status: effect.status,
    expires_after_s: effect.expiresAfterS,
    apply_if: effect.applyIf,
    rules: effect.rules,
  };
}
