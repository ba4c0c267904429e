import { SPACE } from "./coerce.ts";

/**
 * Python's regular expressions in JavaScript's words, or why a pattern is not taken. Characters keep Python's
 * meaning: `\w` and `\d` know all scripts, `.` stops at a line feed only, `$` also stands before a last line feed.
 */
export function compilePattern(pattern: string, ignoreCase: boolean): RegExp | string {
  try {
    const source = new Translator(pattern).run();
    return new RegExp(source, ignoreCase ? "vi" : "v");
  } catch (error) {
    if (error instanceof BadPattern) return error.message;
    if (error instanceof SyntaxError) return "the pattern does not compile";
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
const BOUNDARY = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
const NO_BOUNDARY = `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`;
const MAX_LENGTH = 1000;

class Translator {
  private readonly chars: string[];
  private at = 0;
  private groups = 0;
  private readonly openGroups: number[] = [];
  private refersBack = false;
  private mayLeaveGroupUnset = false;

  constructor(pattern: string) {
    this.chars = Array.from(pattern);
    if (this.chars.length > MAX_LENGTH)
      throw new BadPattern(`the pattern is longer than ${MAX_LENGTH} characters`);
  }

  run(): string {
    const source = this.alternatives(0);
    if (this.at < this.chars.length) throw new BadPattern('an unmatched ")"');
    if (this.refersBack && this.mayLeaveGroupUnset) {
      throw new BadPattern("a reference to a group that may take no part means another thing in JavaScript");
    }
    return source;
  }

  private alternatives(depth: number): string {
    if (depth > 50) throw new BadPattern("groups nest too deep");
    let source = "";
    for (let char = this.chars[this.at]; char !== undefined && char !== ")"; char = this.chars[this.at]) {
      if (char === "|") {
        this.at += 1;
        this.mayLeaveGroupUnset = true;
        source += "|";
      } else source += this.piece(depth);
    }
    return source;
  }

  private piece(depth: number): string {
    const { source, repeats } = this.atom(depth);
    const quantifier = this.quantifier();
    if (quantifier === "") return source;
    if (!repeats) throw new BadPattern("nothing to repeat");
    if (source.startsWith("(") && /^(?:[*?]|\{0)/.test(quantifier)) this.mayLeaveGroupUnset = true;
    if (this.quantifier() !== "") throw new BadPattern("multiple repeat");
    return source + quantifier;
  }

  private atom(depth: number): { source: string; repeats: boolean } {
    const char = this.chars[this.at]!;
    this.at += 1;
    if (char === "(") return this.group(depth);
    if (char === "[") return { source: this.set(), repeats: true };
    if (char === "\\") return this.escape();
    if (char === ".") return { source: String.raw`[^\n]`, repeats: true };
    if (char === "^") return { source: "^", repeats: false };
    if (char === "$") return { source: String.raw`(?=\n?$)`, repeats: false };
    if ("*+?".includes(char)) throw new BadPattern("nothing to repeat");
    return { source: literal(char), repeats: true };
  }

  private group(depth: number): { source: string; repeats: boolean } {
    let opening = "(";
    if (this.chars[this.at] === "?") {
      const rest = this.chars.slice(this.at, this.at + 3).join("");
      const known = ["?<=", "?<!", "?:", "?=", "?!"].find((one) => rest.startsWith(one));
      if (known === undefined) throw new BadPattern(`groups that begin with "(${rest}" are not read here`);
      this.at += known.length;
      opening += known;
    }
    const capturing = opening === "(";
    if (capturing) {
      this.groups += 1;
      this.openGroups.push(this.groups);
    }
    const lookbehind = opening.startsWith("(?<");
    const start = this.at;
    const body = this.alternatives(depth + 1);
    if (this.chars[this.at] !== ")") throw new BadPattern("missing ), unterminated subpattern");
    if (lookbehind && /[*+?{|(]/.test(this.chars.slice(start, this.at).join(""))) {
      throw new BadPattern("a look-behind takes plain characters only");
    }
    this.at += 1;
    if (capturing) this.openGroups.pop();
    return { source: `${opening}${body})`, repeats: capturing || opening === "(?:" };
  }

  private quantifier(): string {
    const char = this.chars[this.at];
    let source = "";
    if (char !== undefined && "*+?".includes(char)) {
      source = char;
      this.at += 1;
    } else if (char === "{") {
      const match = /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.chars.slice(this.at).join(""));
      if (match === null || (match[1] === "" && match[2] === undefined)) return "";
      const [whole, low, comma, high] = match;
      if (high !== undefined && high !== "" && Number(high) < Number(low))
        throw new BadPattern("min repeat greater than max repeat");
      if (Number(low) > 1000 || Number(high ?? 0) > 1000) throw new BadPattern("more than 1000 repeats");
      source = comma === undefined ? `{${low}}` : `{${low === "" ? "0" : low},${high}}`;
      this.at += whole.length;
    }
    if (source === "") return "";
    if (this.chars[this.at] === "+") throw new BadPattern("possessive repeats are not read here");
    if (this.chars[this.at] !== "?") return source;
    this.at += 1;
    return `${source}?`;
  }

  private escape(): { source: string; repeats: boolean } {
    const char = this.chars[this.at];
    if (char === undefined) throw new BadPattern("bad escape at the end of the pattern");
    if (char === "b" || char === "B") {
      this.at += 1;
      return { source: char === "b" ? BOUNDARY : NO_BOUNDARY, repeats: false };
    }
    if (char === "A" || char === "Z") {
      this.at += 1;
      return { source: char === "A" ? "^" : "$", repeats: false };
    }
    if (/[1-9]/.test(char)) {
      this.at += 1;
      const group = Number(char);
      if (/[0-9]/.test(this.chars[this.at] ?? "")) throw new BadPattern("references go up to 9 here");
      if (group > this.groups || this.openGroups.includes(group))
        throw new BadPattern(`invalid group reference ${group}`);
      this.refersBack = true;
      return { source: `(?:\\${group})`, repeats: true };
    }
    const set = IN_CLASS[char];
    if (set === undefined) return { source: literal(this.escapedChar()), repeats: true };
    this.at += 1;
    return { source: set, repeats: true };
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

const literal = (char: string): string =>
  /[A-Za-z0-9]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;
