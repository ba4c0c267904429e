import { Refusal, type Span } from "./diagnostics.ts";
import type { Token, Tokens } from "./tokenize.ts";

export const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

const COMPARATORS = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** Words that begin a value. */
const VALUE_WORDS = new Set(["None", "True", "False", "lambda", "not", "await"]);

export function startsExpression(token: Token): boolean {
  if (token.kind === "name") return !KEYWORDS.has(token.text) || VALUE_WORDS.has(token.text);
  return (
    token.kind === "number" || token.kind === "string" || (token.kind === "op" && "{~".includes(token.text))
  );
}

/** Python has messages of its own for these. */
export const isPrint = (token: Token) => ["print", "exec", "match", "case", "_"].includes(token.text);

/** A place in a list of tokens, and the few questions a parser asks there. */
export class TokenCursor {
  protected readonly tokens: Token[];
  protected at = 0;
  private readonly broken: Refusal | undefined;

  constructor({ tokens, broken }: Pick<Tokens, "tokens" | "broken">) {
    this.tokens = tokens;
    this.broken = broken;
  }

  /** Refuses anything after the expression. */
  finish(): void {
    while (this.peek().kind === "newline") this.at += 1;
    if (this.peek().kind !== "end") this.unexpected(this.peek());
  }

  protected endsExpressions(): boolean {
    const token = this.peek();
    return token.kind !== "name" && token.kind !== "number" && token.kind !== "string"
      ? !["(", "[", "{", "-", "+", "~", "*", "..."].includes(token.text)
      : ["in", "if", "else", "for"].includes(token.text);
  }

  protected identifier(): string {
    const token = this.next();
    if (token.kind !== "name" || KEYWORDS.has(token.text)) this.unexpected(token);
    return token.text;
  }

  protected peek(ahead = 0): Token {
    const token = this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
    if (token.kind === "broken") throw this.broken!;
    return token;
  }

  protected next(): Token {
    const token = this.peek();
    this.at += 1;
    return token;
  }

  protected is(op: string): boolean {
    return this.peek().kind === "op" && this.peek().text === op;
  }

  protected isName(word: string): boolean {
    return this.peek().kind === "name" && this.peek().text === word;
  }

  protected accept(op: string): boolean {
    if (!this.is(op)) return false;
    this.at += 1;
    return true;
  }

  protected acceptName(word: string): boolean {
    if (!this.isName(word)) return false;
    this.at += 1;
    return true;
  }

  protected expect(op: string): void {
    if (!this.accept(op)) this.unexpected(this.peek(), `"${op}"`);
  }

  protected expectName(word: string): void {
    if (!this.acceptName(word)) this.unexpected(this.peek(), `"${word}"`);
  }

  /** The comparison that stands here, passed over. */
  protected comparator(): string | undefined {
    const token = this.peek();
    if (token.kind === "op" && COMPARATORS.has(token.text)) return this.next().text;
    if (this.acceptName("in")) return "in";
    if (this.acceptName("is")) return this.acceptName("not") ? "is not" : "is";
    if (!this.isName("not") || this.peek(1).text !== "in") return undefined;
    this.next();
    this.next();
    return "not in";
  }

  protected since(start: Span): Span {
    return { ...start, end: this.tokens[Math.max(this.at - 1, 0)]!.span.end };
  }

  protected unexpected(token: Token, wanted = ""): never {
    const found = {
      newline: "the end of the line",
      end: "the end of the file",
      indent: "an indent",
      dedent: "a dedent",
    };
    const misplaced = token.kind === "indent" || token.kind === "dedent";
    const name = found[token.kind as keyof typeof found] ?? `"${token.text}"`;
    throw new Refusal(
      token.span,
      "syntax",
      `unexpected ${name}${wanted === "" ? "" : `, expected ${wanted}`}`,
      misplaced
        ? "begin the line where the lines above begin"
        : "a rule file holds assignments, `Name = value`, and calls, `Name(argument=value)`",
      misplaced,
    );
  }
}
