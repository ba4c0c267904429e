import { matches } from "./coerce.ts";
import type { Checker } from "./annotation.ts";
import { isJsonInt, type Json } from "./values.ts";

/** One place of the data that rules read: its plain path, and what may be there. */
export type ReadPlace = { path: readonly string[]; checker: Checker; required: boolean };

type Leaf = { isOptional: boolean; text: boolean; int: boolean; float: boolean; bool: boolean };
type Node = { name: string; leaves: Leaf[]; below: Node[]; isOptional: boolean };

/** Whether every place holds what its annotation says without a conversion, or may be without it: no read of them errs. */
export function shapeOf(places: readonly ReadPlace[]): (data: Json) => boolean {
  const root: Node = { name: "", leaves: [], below: [], isOptional: true };
  for (const { path, checker, required } of places) {
    const isOptional = !required || matches(checker, null);
    let node = root;
    for (const name of path) {
      node.isOptional &&= isOptional;
      let next = node.below.find((one) => one.name === name);
      if (next === undefined) node.below.push((next = { name, leaves: [], below: [], isOptional }));
      node = next;
    }
    node.isOptional &&= isOptional;
    node.leaves.push(leafOf(checker, isOptional));
  }
  return (data) => fits(root, data);
}

const leafOf = (checker: Checker, isOptional: boolean): Leaf => ({
  isOptional,
  text: matches(checker, ""),
  int: matches(checker, 0),
  float: matches(checker, 0.5),
  bool: matches(checker, false),
});

function fits(node: Node, value: Json): boolean {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return node.isOptional;
  for (const one of node.below) {
    const found = Object.hasOwn(value, one.name) ? value[one.name] : undefined;
    if (found === undefined) {
      if (!one.isOptional) return false;
      continue;
    }
    for (const leaf of one.leaves) if (!holds(leaf, found)) return false;
    if (one.below.length > 0 && !fits(one, found)) return false;
  }
  return true;
}

function holds(leaf: Leaf, found: Json): boolean {
  switch (typeof found) {
    case "string":
      return leaf.text;
    case "number":
      return leaf.float || (leaf.int && isJsonInt(found));
    case "boolean":
      return leaf.bool;
    default:
      return found === null && leaf.isOptional;
  }
}
