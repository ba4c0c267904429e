import { SPACE } from "./coerce.ts";
import { matcherOf, type Matcher } from "./regex-match.ts";
import { literal, type PatternNode } from "./regex-tree.ts";

/**
 * Python's regular expressions, or why a pattern is not taken. Characters keep Python's meaning: `\w` and `\d` know all
 * scripts, `.` stops at a line feed only, `$` also stands before a last line feed.
 */
export function compilePattern(pattern: string, ignoreCase: boolean): Matcher | string {
  try {
    const reader = new PatternReader(pattern);
    const tree = reader.run();
    return matcherOf(tree, ignoreCase || reader.ignoresCase, reader.refersBack);
  } catch (error) {
    if (error instanceof BadPattern) return error.message;
    if (error instanceof SyntaxError) return "the pattern does not compile";
    throw error;
  }
}

/** The pattern as a tree, or why it is not taken. */
export function readPattern(pattern: string): PatternNode | string {
  try {
    return new PatternReader(pattern).run();
  } catch (error) {
    if (error instanceof BadPattern) return error.message;
    throw error;
  }
}

class BadPattern extends Error {}

const WORD = String.raw`\p{L}\p{N}_`;
const IN_CLASS: Record<string, string> = {
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
  s: `[${SPACE}]`,
  S: `[^${SPACE}]`,
};
const CONTROL: Record<string, string> = { n: "\n", t: "\t", r: "\r", f: "\f", v: "\v", a: "\x07" };
const MAX_LENGTH = 1000;

class PatternReader {
  private readonly chars: string[];
  private at = 0;
  private groups = 0;
  private readonly openGroups: number[] = [];
  private readonly named = new Map<string, number>();
  ignoresCase = false;
  refersBack = false;

  constructor(pattern: string) {
    this.chars = Array.from(pattern);
    if (this.chars.length > MAX_LENGTH)
      throw new BadPattern(`the pattern is longer than ${MAX_LENGTH} characters`);
  }

  run(): PatternNode {
    const flags = /^\(\?([iu]+)\)/.exec(this.chars.slice(0, 8).join(""));
    if (flags !== null) {
      this.ignoresCase = flags[1]!.includes("i");
      this.at = flags[0].length;
    }
    const tree = this.alternatives(0);
    if (this.at < this.chars.length) throw new BadPattern('an unmatched ")"');
    return tree;
  }

  private alternatives(depth: number): PatternNode {
    if (depth > 50) throw new BadPattern("groups nest too deep");
    const choices: PatternNode[][] = [[]];
    for (let char = this.chars[this.at]; char !== undefined && char !== ")"; char = this.chars[this.at]) {
      if (char === "|") {
        this.at += 1;
        choices.push([]);
      } else if (this.chars.slice(this.at, this.at + 3).join("") === "(?#") this.comment();
      else choices.at(-1)!.push(this.piece(depth));
    }
    const items = choices.map((pieces): PatternNode => ({ node: "sequence", items: pieces }));
    return items.length === 1 ? items[0]! : { node: "choice", items };
  }

  private comment(): void {
    const close = this.chars.indexOf(")", this.at);
    if (close === -1) throw new BadPattern("missing ), unterminated comment");
    this.at = close + 1;
  }

  private piece(depth: number): PatternNode {
    const atom = this.atom(depth);
    const quantifier = this.quantifier();
    if (quantifier === undefined) return atom;
    if (atom.node === "assertion") throw new BadPattern("nothing to repeat");
    if (this.quantifier() !== undefined) throw new BadPattern("multiple repeat");
    return { node: "repeat", of: atom, ...quantifier };
  }

  private atom(depth: number): PatternNode {
    if (this.quantifier() !== undefined) throw new BadPattern("nothing to repeat");
    const char = this.chars[this.at]!;
    this.at += 1;
    if (char === "(") return this.group(depth);
    if (char === "[") return { node: "set", source: this.set() };
    if (char === "\\") return this.escape();
    if (char === ".") return { node: "set", source: String.raw`[^\n]` };
    if (char === "^") return { node: "assertion", kind: "start" };
    if (char === "$") return { node: "assertion", kind: "last line" };
    return { node: "set", source: literal(char) };
  }

  private group(depth: number): PatternNode {
    const rest = this.chars.slice(this.at, this.at + 4).join("");
    if (!rest.startsWith("?")) return this.captured(depth, undefined);
    if (rest.startsWith("?P<")) {
      this.at += 3;
      return this.captured(depth, this.name(">"));
    }
    if (rest.startsWith("?P=")) {
      this.at += 3;
      return this.reference(this.named.get(this.name(")")));
    }
    const known = ["?<=", "?<!", "?:", "?=", "?!"].find((one) => rest.startsWith(one));
    if (known === undefined) throw new BadPattern(`groups that begin with "(${rest}" are not read here`);
    this.at += known.length;
    const of = this.inner(depth);
    if (known === "?:") return { node: "group", of, capture: 0 };
    const behind = known.startsWith("?<");
    const width = behind ? widthOf(of) : 0;
    if (width === undefined) throw new BadPattern("look-behind requires fixed-width pattern");
    return { node: "look", of, behind, negated: known.endsWith("!"), width };
  }

  private captured(depth: number, name: string | undefined): PatternNode {
    this.groups += 1;
    const capture = this.groups;
    if (name !== undefined) {
      if (this.named.has(name)) throw new BadPattern(`the group "${name}" is defined twice`);
      this.named.set(name, capture);
    }
    this.openGroups.push(capture);
    const of = this.inner(depth);
    this.openGroups.pop();
    return { node: "group", of, capture };
  }

  private inner(depth: number): PatternNode {
    const of = this.alternatives(depth + 1);
    if (this.chars[this.at] !== ")") throw new BadPattern("missing ), unterminated subpattern");
    this.at += 1;
    return of;
  }

  private name(end: string): string {
    const close = this.chars.indexOf(end, this.at);
    const name = this.chars.slice(this.at, close).join("");
    if (close === -1 || !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) throw new BadPattern("bad group name");
    this.at = close + 1;
    return name;
  }

  private reference(group: number | undefined): PatternNode {
    if (group === undefined || group > this.groups || this.openGroups.includes(group))
      throw new BadPattern(`invalid group reference ${group ?? ""}`);
    this.refersBack = true;
    return { node: "reference", group };
  }

  private quantifier(): { min: number; max: number; lazy: boolean } | undefined {
    const char = this.chars[this.at];
    let [min, max] = [1, 1];
    if (char !== undefined && "*+?".includes(char)) {
      min = char === "+" ? 1 : 0;
      max = char === "?" ? 1 : Number.POSITIVE_INFINITY;
      this.at += 1;
    } else if (char === "{") {
      const match = /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.chars.slice(this.at, this.at + 40).join(""));
      if (match === null || (match[1] === "" && match[2] === undefined)) return undefined;
      const [whole, low, comma, high] = match;
      min = Number(low);
      max = comma === undefined ? min : high === "" ? Number.POSITIVE_INFINITY : Number(high);
      if (max < min) throw new BadPattern("min repeat greater than max repeat");
      if (min > 1000 || (max > 1000 && Number.isFinite(max))) throw new BadPattern("more than 1000 repeats");
      this.at += whole.length;
    } else return undefined;
    if (this.chars[this.at] === "+") throw new BadPattern("possessive repeats are not read here");
    const lazy = this.chars[this.at] === "?";
    if (lazy) this.at += 1;
    return { min, max, lazy };
  }

  private escape(): PatternNode {
    const char = this.chars[this.at];
    if (char === undefined) throw new BadPattern("bad escape at the end of the pattern");
    const kind = ({ b: "word edge", B: "no word edge", A: "start", Z: "end" } as const)[char];
    if (kind !== undefined) {
      this.at += 1;
      return { node: "assertion", kind };
    }
    if (/[1-9]/.test(char)) return this.numbered();
    const set = IN_CLASS[char];
    if (set === undefined) return { node: "set", source: literal(this.escapedChar()) };
    this.at += 1;
    return { node: "set", source: set };
  }

  /** A reference to a group, or three octal digits. */
  private numbered(): PatternNode {
    const digits = /^(?:([0-3][0-7]{2})|([1-9][0-9]?))/.exec(
      this.chars.slice(this.at, this.at + 3).join(""),
    )!;
    this.at += digits[0].length;
    if (digits[1] !== undefined)
      return { node: "set", source: literal(String.fromCodePoint(Number.parseInt(digits[1], 8))) };
    return this.reference(Number(digits[2]));
  }

  /** An escape that stands for one character; the backslash is behind us. */
  private escapedChar(): string {
    const char = this.chars[this.at]!;
    this.at += 1;
    const length = { x: 2, u: 4, U: 8 }[char];
    if (length !== undefined) {
      const hex = this.chars.slice(this.at, this.at + length).join("");
      if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length < length) throw new BadPattern("incomplete escape");
      this.at += length;
      const point = Number.parseInt(hex, 16);
      if (point > 0x10ffff) throw new BadPattern("bad escape");
      return String.fromCodePoint(point);
    }
    if (char === "0") {
      const octal = /^[0-7]{0,2}/.exec(this.chars.slice(this.at).join(""))![0];
      this.at += octal.length;
      return String.fromCodePoint(Number.parseInt(`0${octal}`, 8));
    }
    if (CONTROL[char] !== undefined) return CONTROL[char];
    if (/[A-Za-z0-9]/.test(char)) throw new BadPattern(`bad escape \\${char}`);
    return char;
  }

  private set(): string {
    const negated = this.chars[this.at] === "^";
    if (negated) this.at += 1;
    let source = "";
    for (let first = true; first || this.chars[this.at] !== "]"; first = false) {
      const low = this.member();
      const next = this.chars[this.at + 1];
      if (this.chars[this.at] !== "-" || next === "]" || next === undefined) {
        source += low.source;
        continue;
      }
      this.at += 1;
      const high = this.member();
      if (
        low.char === undefined ||
        high.char === undefined ||
        low.char.codePointAt(0)! > high.char.codePointAt(0)!
      ) {
        throw new BadPattern("bad character range");
      }
      source += `${low.source}-${high.source}`;
    }
    this.at += 1;
    return `[${negated ? "^" : ""}${source}]`;
  }

  private member(): { source: string; char?: string } {
    const char = this.chars[this.at];
    if (char === undefined) throw new BadPattern("unterminated character set");
    this.at += 1;
    if (char !== "\\") return { source: literal(char), char };
    const escaped = this.chars[this.at];
    if (escaped === undefined) throw new BadPattern("unterminated character set");
    if (IN_CLASS[escaped] !== undefined) {
      this.at += 1;
      return { source: IN_CLASS[escaped] };
    }
    const plain = escaped === "b" ? "\b" : undefined;
    if (plain !== undefined) this.at += 1;
    else if (/[1-9]/.test(escaped)) throw new BadPattern("bad escape in a character set");
    const value = plain ?? this.escapedChar();
    return { source: literal(value), char: value };
  }
}

/** How many characters a pattern takes, if that is always the same. */
function widthOf(node: PatternNode): number | undefined {
  switch (node.node) {
    case "set":
      return 1;
    case "assertion":
    case "look":
      return 0;
    case "group":
      return widthOf(node.of);
    case "repeat": {
      const width = widthOf(node.of);
      return width === undefined || node.min !== node.max ? undefined : width * node.min;
    }
    case "sequence": {
      const widths = node.items.map(widthOf);
      return widths.some((width) => width === undefined) ? undefined : widths.reduce((a, b) => a! + b!, 0);
    }
    case "choice": {
      const widths = new Set(node.items.map(widthOf));
      return widths.size === 1 ? [...widths][0] : undefined;
    }
    case "reference":
      return undefined;
  }
}
