/** A pattern as it is built. A set takes one character; its source is written for JavaScript's `v` flag. */
export type PatternNode =
  | { node: "set"; source: string }
  | { node: "assertion"; kind: AssertionKind }
  | { node: "reference"; group: number }
  | { node: "group"; of: PatternNode; capture: number }
  | { node: "look"; of: PatternNode; behind: boolean; negated: boolean; width: number }
  | { node: "repeat"; of: PatternNode; min: number; max: number; lazy: boolean }
  | { node: "sequence" | "choice"; items: PatternNode[] };

export type AssertionKind = "start" | "end" | "last line" | "word edge" | "no word edge";

/** What `\w` holds for in Python. */
export const WORD = String.raw`\p{L}\p{N}_`;

const ASSERTIONS: Record<AssertionKind, string> = {
  start: "^",
  end: "$",
  "last line": String.raw`(?=\n?$)`,
  "word edge": `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`,
  "no word edge": `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`,
};

/** A character that stands for itself. */
export const literal = (char: string): string =>
  /[A-Za-z0-9]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;

/** The pattern in JavaScript's words, for the `v` flag. References are left out: they mean another thing there. */
export function sourceOf(node: PatternNode): string {
  switch (node.node) {
    case "set":
      return node.source;
    case "assertion":
      return ASSERTIONS[node.kind];
    case "reference":
      throw new Error("a reference has no source");
    case "group":
      return `(?:${sourceOf(node.of)})`;
    case "look":
      return `(?${node.behind ? "<" : ""}${node.negated ? "!" : "="}${sourceOf(node.of)})`;
    case "repeat": {
      const max = Number.isFinite(node.max) ? node.max : "";
      return `(?:${sourceOf(node.of)}){${node.min},${max}}${node.lazy ? "?" : ""}`;
    }
    case "sequence":
      return node.items.map(sourceOf).join("");
    case "choice":
      return `(?:${node.items.map(sourceOf).join("|")})`;
  }
}

/** How the time of a backtracking search may grow: repeats without a small bound, and whether they nest. */
export function growthOf(node: PatternNode): { repeats: number; nested: boolean } {
  switch (node.node) {
    case "group":
    case "look":
      return growthOf(node.of);
    case "repeat": {
      const inner = growthOf(node.of);
      const isOpen = node.max > 8;
      const isOption = node.max === 1;
      return {
        repeats: inner.repeats + (isOpen ? 1 : 0),
        nested: inner.nested || (!isOption && inner.repeats > 0) || (isOpen && !isSimple(node.of)),
      };
    }
    case "sequence":
    case "choice": {
      const parts = node.items.map(growthOf);
      return {
        repeats: parts.reduce((sum, part) => sum + part.repeats, 0),
        nested: parts.some((part) => part.nested),
      };
    }
    default:
      return { repeats: 0, nested: false };
  }
}

/** One character, or a fixed row of them. */
const isSimple = (node: PatternNode): boolean =>
  node.node === "set" ||
  (node.node === "group" && isSimple(node.of)) ||
  (node.node === "sequence" && node.items.every(isSimple));
