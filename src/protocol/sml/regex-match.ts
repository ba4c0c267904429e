import { growthOf, sourceOf, WORD, type AssertionKind, type PatternNode } from "./regex-tree.ts";

/** Takes steps of a budget; false when there are none left. */
type Spend = (steps: number) => boolean;

/** Searches a text; `undefined` when that takes more than the budget. */
export type Matcher = (text: string, spend: Spend) => boolean | undefined;

type Instruction =
  | { op: "set"; test: (char: string) => boolean }
  | { op: "split"; first: number; second: number }
  | { op: "jump"; to: number }
  | { op: "assertion"; kind: AssertionKind }
  | { op: "look"; code: Instruction[]; behind: boolean; negated: boolean; width: number }
  | { op: "save"; slot: number }
  | { op: "reference"; group: number }
  | { op: "match" };

const MAX_CODE = 5000;
/** Largest table of visited states, in bits. */
const MAX_VISITED = 1 << 28;
/** Native searches whose steps, at worst, are below this need no watching. */
const QUICK_STEPS = 1_000_000;
const STEPS_A_UNIT = 8;

/**
 * The native engine where the pattern and the length of the text keep it short. Otherwise one that remembers each pair
 * of place and state, so that its time grows with their product only; patterns with references cannot be remembered
 * and are stopped by the budget.
 */
export function matcherOf(tree: PatternNode, ignoreCase: boolean, refersBack: boolean): Matcher {
  const flags = ignoreCase ? "vi" : "v";
  const { repeats, nested } = growthOf(tree);
  const native = refersBack || nested ? undefined : new RegExp(sourceOf(tree), flags);
  const code = new Assembler(flags).program(tree);
  return (text, spend) => {
    if (native !== undefined && text !== "" && (text.length + 1) ** (repeats + 1) <= QUICK_STEPS) {
      return spend(text.length >> 6) ? native.test(text) : undefined;
    }
    const search = new Search(Array.from(text), ignoreCase, refersBack, spend);
    return search.anywhere(code);
  };
}

class Assembler {
  private readonly flags: string;
  private size = 0;

  constructor(flags: string) {
    this.flags = flags;
  }

  program(tree: PatternNode): Instruction[] {
    const code: Instruction[] = [];
    this.emit(tree, code);
    code.push({ op: "match" });
    return code;
  }

  private emit(node: PatternNode, code: Instruction[]): void {
    this.size += 1;
    if (this.size > MAX_CODE) throw new SyntaxError("the pattern is too large");
    switch (node.node) {
      case "set":
        code.push({ op: "set", test: this.test(node.source) });
        return;
      case "assertion":
        code.push({ op: "assertion", kind: node.kind });
        return;
      case "reference":
        code.push({ op: "reference", group: node.group });
        return;
      case "group":
        if (node.capture > 0) code.push({ op: "save", slot: node.capture * 2 });
        this.emit(node.of, code);
        if (node.capture > 0) code.push({ op: "save", slot: node.capture * 2 + 1 });
        return;
      case "look": {
        const { behind, negated, width } = node;
        code.push({ op: "look", code: this.program(node.of), behind, negated, width });
        return;
      }
      case "sequence":
        for (const item of node.items) this.emit(item, code);
        return;
      case "choice":
        return this.choice(node.items, code);
      case "repeat":
        return this.repeat(node, code);
    }
  }

  private choice(items: PatternNode[], code: Instruction[]): void {
    const jumps: { op: "jump"; to: number }[] = [];
    for (const [at, item] of items.entries()) {
      if (at === items.length - 1) {
        this.emit(item, code);
        break;
      }
      const split = { op: "split" as const, first: code.length + 1, second: 0 };
      code.push(split);
      this.emit(item, code);
      const jump = { op: "jump" as const, to: 0 };
      code.push(jump);
      jumps.push(jump);
      split.second = code.length;
    }
    for (const jump of jumps) jump.to = code.length;
  }

  private repeat(node: Extract<PatternNode, { node: "repeat" }>, code: Instruction[]): void {
    for (let count = 0; count < node.min; count += 1) this.emit(node.of, code);
    if (!Number.isFinite(node.max)) {
      const start = code.length;
      const split = this.split(node.lazy, code);
      this.emit(node.of, code);
      code.push({ op: "jump", to: start });
      split(code.length);
      return;
    }
    const splits: ((end: number) => void)[] = [];
    for (let count = node.min; count < node.max; count += 1) {
      splits.push(this.split(node.lazy, code));
      this.emit(node.of, code);
    }
    for (const split of splits) split(code.length);
  }

  /** A choice between going on and leaving; the end is filled in later. */
  private split(lazy: boolean, code: Instruction[]): (end: number) => void {
    const inside = code.length + 1;
    const split = { op: "split" as const, first: inside, second: inside };
    code.push(split);
    return (end) => {
      if (lazy) split.first = end;
      else split.second = end;
    };
  }

  private test(source: string): (char: string) => boolean {
    const pattern = new RegExp(`^(?:${source})$`, this.flags);
    const ascii = Array.from({ length: 128 }, (_, point) => pattern.test(String.fromCharCode(point)));
    return (char) => ascii[char.codePointAt(0)!] ?? pattern.test(char);
  }
}

const IS_WORD = new RegExp(`[${WORD}]`, "v");

class Search {
  private readonly chars: string[];
  private readonly ignoreCase: boolean;
  private readonly refersBack: boolean;
  private readonly spend: Spend;
  private readonly tables = new Map<Instruction[], Uint8Array>();
  private steps = 0;
  private spent = false;

  constructor(chars: string[], ignoreCase: boolean, refersBack: boolean, spend: Spend) {
    this.chars = chars;
    this.ignoreCase = ignoreCase;
    this.refersBack = refersBack;
    this.spend = spend;
  }

  anywhere(code: Instruction[]): boolean | undefined {
    const visited = this.visitedFor(code);
    for (let start = 0; start <= this.chars.length && !this.spent; start += 1) {
      if (this.from(code, start, visited, [])) return true;
    }
    return this.spent ? undefined : false;
  }

  private visitedFor(code: Instruction[]): Uint8Array | undefined {
    if (this.refersBack) return undefined;
    const bits = code.length * (this.chars.length + 1);
    if (bits > MAX_VISITED || !this.spend(bits >> 10)) this.spent = true;
    return this.spent ? undefined : new Uint8Array((bits >> 3) + 1);
  }

  /** Whether the code matches at this place. */
  private from(
    code: Instruction[],
    start: number,
    visited: Uint8Array | undefined,
    saved: number[],
  ): boolean {
    const pending: { pc: number; at: number; saves: number[] }[] = [{ pc: 0, at: start, saves: saved }];
    const width = this.chars.length + 1;
    const forks = new Set<string>();
    for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
      let { pc, at, saves } = state;
      for (;;) {
        this.steps += 1;
        if ((this.refersBack || this.steps % STEPS_A_UNIT === 0) && !this.spend(1)) this.spent = true;
        if (this.spent) return false;
        const instruction = code[pc]!;
        if (instruction.op === "match") return true;
        if (visited !== undefined) {
          const key = pc * width + at;
          if ((visited[key >> 3]! & (1 << (key & 7))) !== 0) break;
          visited[key >> 3]! |= 1 << (key & 7);
        }
        if (instruction.op === "split") {
          if (this.refersBack) {
            const key = `${pc} ${at} ${saves.join(" ")}`;
            if (forks.has(key)) break;
            forks.add(key);
          }
          pending.push({ pc: instruction.second, at, saves });
          pc = instruction.first;
        } else if (instruction.op === "jump") pc = instruction.to;
        else if (instruction.op === "save") {
          if (this.refersBack) {
            saves = saves.slice();
            saves[instruction.slot] = at;
          }
          pc += 1;
        } else {
          const taken = this.take(instruction, at, saves);
          if (taken < 0) break;
          at += taken;
          pc += 1;
        }
      }
    }
    return false;
  }

  /** How many characters an instruction takes, or -1. */
  private take(
    instruction: Extract<Instruction, { op: "set" | "assertion" | "look" | "reference" }>,
    at: number,
    saves: number[],
  ): number {
    switch (instruction.op) {
      case "set":
        return at < this.chars.length && instruction.test(this.chars[at]!) ? 1 : -1;
      case "assertion":
        return this.holds(instruction.kind, at) ? 0 : -1;
      case "look":
        return this.look(instruction, at, saves) !== instruction.negated ? 0 : -1;
      case "reference":
        return this.again(saves[instruction.group * 2], saves[instruction.group * 2 + 1], at);
    }
  }

  private look({ code, width }: Extract<Instruction, { op: "look" }>, at: number, saves: number[]): boolean {
    const start = at - width;
    if (start < 0) return false;
    // What led nowhere once leads nowhere again; what led to a match says nothing.
    const visited = this.tables.get(code) ?? this.visitedFor(code);
    const found = this.from(code, start, visited, saves);
    if (found || visited === undefined) this.tables.delete(code);
    else this.tables.set(code, visited);
    return found;
  }

  private again(from: number | undefined, to: number | undefined, at: number): number {
    // In Python a group that took no part is matched by nothing.
    if (from === undefined || to === undefined) return -1;
    const fold = (text: string) => (this.ignoreCase ? text.toLowerCase() : text);
    const text = this.chars.slice(from, to);
    const here = this.chars.slice(at, at + text.length);
    return fold(text.join("")) === fold(here.join("")) ? text.length : -1;
  }

  private holds(kind: AssertionKind, at: number): boolean {
    const { length } = this.chars;
    const isWord = (place: number) => place >= 0 && place < length && IS_WORD.test(this.chars[place]!);
    switch (kind) {
      case "start":
        return at === 0;
      case "end":
        return at === length;
      case "last line":
        return at === length || (at === length - 1 && this.chars[at] === "\n");
      case "word edge":
        return isWord(at - 1) !== isWord(at);
      case "no word edge":
        return length > 0 && isWord(at - 1) === isWord(at);
    }
  }
}
