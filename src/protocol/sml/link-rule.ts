import { keyOf, walk, type Assign, type Call, type Expr } from "./ast.ts";
import { argumentOf } from "./functions/definition.ts";
import type { LinkedRule, Program } from "./program.ts";
import type { Result, Run, RunState } from "./run-state.ts";
import { Failure, isTruthy, toText, unwrap, type Value } from "./values.ts";

type Linking = {
  program: Omit<Program, "plan">;
  read: (expr: Expr) => Run;
  slotOf: (key: string) => number;
};

/** A rule, by the name that it is assigned to, as the rule number `index`. */
export function linkRule(
  assign: Assign,
  call: Call,
  index: number,
  linking: Linking,
): { rule: LinkedRule; run: Run } {
  const { program, read: link } = linking;
  const whenAll = argumentOf(call, "when_all")!;
  const description = argumentOf(call, "description")!;
  const conditions = whenAll.kind === "list" ? whenAll.items.map((one) => link(one)) : undefined;
  const readAll = link(whenAll);
  const readText = link(description);
  const parts = description.kind === "format" ? description.parts : [];
  const names = parts.flatMap((part) => (typeof part === "string" ? [] : [part]));
  const reads = names.map((name) => ({ id: name.id, read: link(name) }));
  const template =
    description.kind === "format" ? description.template : (description as { value: string }).value;
  const name = assign.target.id;
  const list = whenAll.kind === "name" ? program.definitions.get(keyOf(whenAll))?.value : whenAll;
  const items = list?.kind === "list" ? list.items : [whenAll];
  const readItems = conditions ?? items.map((one) => link(one));
  const rule = {
    assign,
    call,
    items,
    readItems,
    readText,
    names: namesIn([...items, description], linking),
  };

  const isUnwrapped = program.unwraps.has(call);
  const run: Run = (state) => {
    const left = state.begin();
    let results: Result[] | undefined;
    if (conditions !== undefined) {
      results = [];
      for (const condition of conditions) results.push(condition(state));
    }
    const found = results ?? readAll(state);
    const fired = allTrue(found);
    // The sentence itself is made for rules that hold; whether it can be made is part of the outcome.
    const text = firstFailure(reads, state);
    const value: Result =
      fired instanceof Failure
        ? fired
        : text !== undefined
          ? text
          : {
              kind: "rule",
              name,
              fired,
              template,
              values: fired
                ? Object.fromEntries(reads.map(({ id, read }) => [id, toText(read(state) as Value)]))
                : NO_VALUES,
            };
    const result = state.end(left, value, call, name);
    state.rules.push({ rule: index, result, conditions: results });
    return isUnwrapped && !(result instanceof Failure) ? unwrap(result) : result;
  };
  return { rule, run };
}

function namesIn(exprs: Expr[], { slotOf }: Linking): LinkedRule["names"] {
  const names = exprs.flatMap((expr) => [...walk(expr)]).filter((one) => one.kind === "name");
  return [...new Map(names.map((name) => [name.id, slotOf(keyOf(name))]))];
}

const NO_VALUES: Record<string, string> = {};

function firstFailure(reads: { read: Run }[], state: RunState): Failure | undefined {
  for (const { read } of reads) {
    const value = read(state);
    if (value instanceof Failure) return value;
  }
  return undefined;
}

/** Whether all of a list are true, or the first failure in it. */
function allTrue(found: Result | Result[]): boolean | Failure {
  if (!Array.isArray(found)) return found instanceof Failure ? found : false;
  let all = true;
  for (const one of found) {
    if (one instanceof Failure) return one;
    all &&= isTruthy(one);
  }
  return all;
}
