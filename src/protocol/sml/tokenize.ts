import { Refusal, type Span } from "./diagnostics.ts";

type TokenKind = "name" | "number" | "string" | "op" | "newline" | "indent" | "dedent" | "end" | "broken";
/** `depth`: how many brackets are open around it. */
export type Token = { kind: TokenKind; text: string; span: Span; depth: number };

export type Tokens = {
  tokens: Token[];
  /** The innermost bracket that the file leaves open. */
  unclosed: Token | undefined;
  /** Why the text could not be read further than the last token, which is a broken one. */
  broken: Refusal | undefined;
};

export const CLOSER: Record<string, string> = { "(": ")", "[": "]", "{": "}" };
const OPERATORS =
  /(?:\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|\*\*|\/\/|<<|>>|[-+*/%@&|^<>=!]=|[-+*/%@&|^~<>()[\]{},:.;=])/uy;
const NAME = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
/** Python still lets these words touch a number. */
const WORD_AFTER_NUMBER = /and|else|for|if|in|is|or|not/y;
const STRING_OPEN = /(?:[bB][rR]?|[rR][bBfF]?|[uU]|[fF][rR]?)?(?:"""|'''|"|')/uy;
const DIGITS = String.raw`[0-9](?:_?[0-9])*`;
const NUMBER = new RegExp(
  String.raw`0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+` +
    String.raw`|(?:(?:${DIGITS})?\.${DIGITS}|${DIGITS}\.?)(?:[eE][-+]?${DIGITS})?[jJ]?`,
  "uy",
);

/** Splits a file into Python 3.11 tokens, as far as it goes. */
export function tokenize(file: string, text: string): Tokens {
  return new Tokenizer(file, text).run();
}

class Tokenizer {
  private readonly file: string;
  private readonly text: string;
  private readonly tokens: Token[] = [];
  private readonly open: Token[] = [];
  private readonly indents = [0];
  private at = 0;
  private line = 1;
  private lineStart = 0;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  run(): Tokens {
    let broken: Refusal | undefined;
    try {
      this.read();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      broken = error;
      this.push("broken", this.at);
    }
    return { tokens: this.tokens, unclosed: this.open.at(-1), broken };
  }

  private read(): void {
    while (this.at < this.text.length) {
      if (this.open.length === 0 && this.at === this.lineStart && !this.indentation()) continue;
      this.logicalRest();
    }
    if (this.open.length === 0) this.endLine();
    while (this.indents.length > 1) this.dedent();
    this.push("end", this.at);
  }

  /** Reads the white space that begins a line; false for a line without a token. */
  private indentation(): boolean {
    let width = 0;
    while (" \t\f".includes(this.text[this.at] ?? "x")) {
      const char = this.text[this.at];
      // A form feed begins the line anew.
      width = char === "\f" ? 0 : char === "\t" ? (Math.floor(width / 8) + 1) * 8 : width + 1;
      this.at += 1;
    }
    if (this.at >= this.text.length) return false;
    if ("#\n".includes(this.text[this.at]!)) {
      this.skipComment();
      this.newline();
      return false;
    }
    const current = this.indents.at(-1)!;
    if (width > current) {
      this.indents.push(width);
      this.push("indent", this.at);
    }
    while (width < this.indents.at(-1)!) this.dedent();
    if (width !== this.indents.at(-1)) {
      this.giveWay(
        "the indentation matches no outer level",
        "rule files need no indentation outside brackets",
      );
    }
    return true;
  }

  /** Reads tokens up to the end of the physical line. */
  private logicalRest(): void {
    while (this.at < this.text.length) {
      const char = this.text[this.at]!;
      if (char === "\n") {
        if (this.open.length === 0) this.endLine();
        this.newline();
        return;
      }
      if (" \t\f".includes(char)) this.at += 1;
      else if (char === "#") this.skipComment();
      else if (char === "\\") this.continuation();
      else this.token();
    }
  }

  private token(): void {
    const start = this.at;
    const opening = this.match(STRING_OPEN);
    if (opening !== undefined) return this.string(start, opening);
    const number = this.match(NUMBER);
    if (number !== undefined) return this.number(start, number);
    const name = this.match(NAME);
    if (name !== undefined) return this.push("name", start, name.normalize("NFKC"));
    const operator = this.match(OPERATORS);
    if (operator === undefined) {
      const char = String.fromCodePoint(this.text.codePointAt(this.at)!);
      const message = `unexpected character ${JSON.stringify(char)}`;
      if (char < "\x80") this.giveWay(message, "remove it");
      this.refuse(message, "remove it");
    }
    this.push("op", start);
    const token = this.tokens.at(-1)!;
    this.bracket(token);
    token.depth = this.open.length;
  }

  private bracket(token: Token): void {
    if (token.text in CLOSER) this.open.push(token);
    if (!")]}".includes(token.text)) return;
    const opener = this.open.pop();
    if (opener === undefined) throw new Refusal(token.span, "syntax", `unmatched "${token.text}"`);
    if (CLOSER[opener.text] !== token.text) {
      throw new Refusal(
        token.span,
        "syntax",
        `"${token.text}" does not close the "${opener.text}" of line ${opener.span.line}`,
      );
    }
  }

  private number(start: number, text: string): void {
    const leadingZeros = /^0[0-9_]*[1-9]/.test(text) && /^[0-9_]+$/.test(text);
    if (leadingZeros) this.refuse("an integer may not begin with zeros", "write 0o17 for an octal number");
    NAME.lastIndex = this.at;
    WORD_AFTER_NUMBER.lastIndex = this.at;
    const glued = NAME.test(this.text) && !WORD_AFTER_NUMBER.test(this.text);
    if (glued || /[0-9]/.test(this.text[this.at] ?? ""))
      this.refuse("not a number", "put a space behind the number");
    this.push("number", start);
  }

  private string(start: number, opening: string): void {
    const quote = opening.replace(/^[a-zA-Z]*/, "");
    const begin = this.span(start, this.at);
    while (!this.text.startsWith(quote, this.at)) {
      const char = this.text[this.at];
      if (char === undefined || (char === "\n" && quote.length === 1)) {
        throw new Refusal(begin, "syntax", "this string is not closed", `close it with ${quote}`);
      }
      this.at += char === "\\" ? 1 : 0;
      if (this.text[this.at] === "\n") this.newline();
      else this.at += 1;
    }
    this.at += quote.length;
    this.tokens.push({
      kind: "string",
      text: this.text.slice(start, this.at),
      span: { ...begin, end: this.at },
      depth: this.open.length,
    });
  }

  private continuation(): void {
    if (this.text[this.at + 1] !== "\n")
      this.giveWay("unexpected character after a line continuation", "end the line behind the backslash");
    if (this.at + 2 >= this.text.length)
      this.giveWay("the file ends in a line continuation", "remove the backslash");
    this.at += 1;
    this.newline();
    // The indentation of a continued line means nothing.
    while (" \t\f".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  private endLine(): void {
    const last = this.tokens.at(-1)?.kind;
    if (last !== undefined && !["newline", "indent", "dedent"].includes(last)) this.push("newline", this.at);
  }

  private newline(): void {
    if (this.text[this.at] !== "\n") return;
    this.at += 1;
    this.line += 1;
    this.lineStart = this.at;
  }

  private skipComment(): void {
    while (this.at < this.text.length && this.text[this.at] !== "\n") this.at += 1;
  }

  private dedent(): void {
    this.indents.pop();
    this.push("dedent", this.at);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private push(kind: TokenKind, start: number, text = this.text.slice(start, this.at)): void {
    this.tokens.push({ kind, text, span: this.span(start, this.at), depth: this.open.length });
  }

  private span(start: number, end: number): Span {
    return { file: this.file, line: this.line, column: start - this.lineStart + 1, start, end };
  }

  /** Refuses what Python tells of only when nothing before it is wrong. */
  private giveWay(message: string, hint: string): never {
    const refusal = new Refusal(this.span(this.at, this.at), "syntax", message, hint);
    refusal.yields = true;
    throw refusal;
  }

  private refuse(message: string, hint = ""): never {
    throw new Refusal(this.span(this.at, this.at), "syntax", message, hint);
  }
}
