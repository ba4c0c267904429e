import { parseTime } from "../timestamp.ts";
import { ANY, BOOL, EFFECT, entityOf, optional, RULE, SPAN, STR } from "../types.ts";
import { fail, type Failure, type LabelEffect, type RuleValue, type TimeSpan } from "../values.ts";
import {
  entity,
  flag,
  text,
  type ExistingLabel,
  type FunctionDefinition,
  type FunctionTable,
} from "./definition.ts";

const ENTITY = { type: entityOf(ANY) };
const LABEL = { type: STR, constant: "str" } as const;
const MAYBE_SPAN = { type: optional(SPAN), optional: true, nullable: true } as const;

const changing = (status: "added" | "removed"): FunctionDefinition => ({
  parameters: {
    entity: ENTITY,
    label: LABEL,
    delay_action_by: MAYBE_SPAN,
    apply_if: { type: optional(RULE), optional: true, nullable: true },
    expires_after: MAYBE_SPAN,
  },
  returns: EFFECT,
  run: (args): LabelEffect => {
    const applyIf = (args["apply_if"] ?? null) as RuleValue | null;
    return {
      kind: "label-effect",
      entity: entity(args, "entity"),
      label: text(args, "label"),
      status,
      expiresAfter: (args["expires_after"] ?? null) as TimeSpan | null,
      delayActionBy: (args["delay_action_by"] ?? null) as TimeSpan | null,
      applyIf,
      suppressed: args["apply_if"] === null,
      rules: [],
    };
  },
});

export const LABELS: FunctionTable = {
  LabelAdd: changing("added"),
  LabelRemove: changing("removed"),
  HasLabel: {
    parameters: {
      entity: ENTITY,
      label: LABEL,
      manual: { type: optional(BOOL), optional: true, nullable: true },
      status: { type: STR, constant: "str", optional: true },
      min_label_age: MAYBE_SPAN,
      error_on_empty: { type: BOOL, optional: true },
    },
    returns: BOOL,
    check: ({ constants, spanOf, labels, report }) => {
      const status = constants.get("status") ?? "added";
      if (status !== "added" && status !== "removed") {
        const hint = 'write "added" or "removed", and `manual=True` for a label set by hand';
        report(spanOf("status"), "unknown-label-status", `no label has the status "${String(status)}"`, hint);
      }
      const label = constants.get("label") as string;
      if (!labels.has(label)) {
        report(
          spanOf("label"),
          "unknown-label",
          `the label "${label}" is not configured`,
          "add it to labels.json",
        );
      }
    },
    run: (args, { action, labelsOf }) => {
      const known = labelsOf(entity(args, "entity")) ?? {};
      if (flag(args, "error_on_empty") && Object.keys(known).length === 0)
        return fail("the entity has no labels at all");
      const label = text(args, "label");
      const state = Object.hasOwn(known, label) ? known[label] : undefined;
      const wanted = {
        status: (args["status"] ?? "added") as string,
        manual: (args["manual"] ?? null) as boolean | null,
        minAge: (args["min_label_age"] ?? null) as TimeSpan | null,
      };
      return hasLabel(state, wanted, action.microseconds);
    },
  },
};

function hasLabel(
  state: ExistingLabel | undefined,
  wanted: { status: string; manual: boolean | null; minAge: TimeSpan | null },
  now: bigint,
): boolean | Failure {
  const reasons = Object.values(state?.reasons ?? {}).map((reason) => ({
    created: reason.created_at === null ? undefined : parseTime(reason.created_at),
    expires: reason.expires_at === null ? undefined : parseTime(reason.expires_at),
  }));
  const live = reasons.filter((reason) => reason.expires === undefined || reason.expires > now);
  if (state === undefined || live.length === 0) return wanted.status === "removed" && wanted.manual !== true;
  const manual = state.status.startsWith("manually_");
  const status = manual ? state.status.slice("manually_".length) : state.status;
  const matches = wanted.status === status && (wanted.manual === null || wanted.manual === manual);
  if (wanted.minAge === null) return matches;
  const created = live.map((reason) => reason.created).filter((time) => time !== undefined);
  if (created.length === 0) return fail("nothing says how old the label is");
  const oldest = created.reduce((a, b) => (a < b ? a : b));
  return matches && now - oldest > wanted.minAge.microseconds;
}
