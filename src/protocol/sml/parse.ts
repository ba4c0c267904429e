import type { SourceFile } from "./ast.ts";
import { Refusal, type Diagnostic, type Span } from "./diagnostics.ts";
import { lowerStatement } from "./lower.ts";
import { ExpressionParser } from "./parse-expression.ts";
import { checkTarget, type PyExpr, type PyStatement } from "./python.ts";
import { CLOSER, tokenize, type Tokens } from "./tokenize.ts";

/** Largest rule file, in UTF-16 units. */
const MAX_FILE_LENGTH = 256 * 1024;

const SKIPPED = new Set("del pass return raise global nonlocal import from assert break continue".split(" "));
const COMPOUND = new Set("if while for try with def class async".split(" "));
const CLAUSES = new Set("elif else except finally".split(" "));
const AUGMENTED = new Set("+= -= *= /= //= %= @= &= |= ^= >>= <<= **=".split(" "));

/** Reads one rule file, or says what is wrong first: what is no Python at all comes before what no rule may use. */
export function parseFile(path: string, source: string): SourceFile | Diagnostic {
  const text = source.replace(/\r\n?/g, "\n");
  try {
    if (text.length > MAX_FILE_LENGTH) {
      const span = { file: path, line: 1, column: 1, start: 0, end: 0 };
      throw new Refusal(
        span,
        "too-large",
        `the file is longer than ${MAX_FILE_LENGTH} characters`,
        "split it",
      );
    }
    const statements = parseStatements(tokenize(path, text)).map(lowerStatement);
    return { path, text, statements };
  } catch (error) {
    if (error instanceof Refusal) return error.diagnostic;
    throw error;
  }
}

/** Where both the tokens and the grammar are wrong, Python tells of the tokens first. */
function parseStatements(source: Tokens): PyStatement[] {
  const { unclosed, broken } = source;
  try {
    const statements = new StatementParser(source).file();
    if (unclosed === undefined) return statements;
  } catch (error) {
    if (!(error instanceof Refusal) || error.final) throw error;
    if (broken !== undefined) throw broken;
    const atEnd = error.diagnostic.line === source.tokens.at(-1)!.span.line;
    if (unclosed === undefined || (!atEnd && error.diagnostic.line <= unclosed.span.line)) throw error;
  }
  throw new Refusal(
    unclosed.span,
    "syntax",
    `this "${unclosed.text}" is not closed`,
    `close it with "${CLOSER[unclosed.text]}"`,
  );
}

class StatementParser extends ExpressionParser {
  file(): PyStatement[] {
    const statements: PyStatement[] = [];
    while (this.peek().kind !== "end") this.statement(statements);
    return statements;
  }

  private statement(into: PyStatement[]): void {
    const token = this.peek();
    if (token.kind === "newline") {
      this.next();
      return;
    }
    if (token.kind === "name" && COMPOUND.has(token.text)) return void into.push(this.compound());
    if (this.is("@")) {
      while (this.accept("@")) {
        this.expression();
        this.endOfLine();
      }
      return void into.push(this.compound());
    }
    this.simpleLine(into);
  }

  private simpleLine(into: PyStatement[]): void {
    do {
      if (this.peek().kind === "newline") break;
      into.push(this.simple());
    } while (this.accept(";"));
    this.endOfLine();
  }

  private endOfLine(): void {
    if (this.peek().kind === "end") return;
    if (this.peek().kind !== "newline") this.unexpected(this.peek());
    this.next();
  }

  /** Python that may not stand in a rule file: read so far that the rest of the file can be judged. */
  private compound(): PyStatement {
    const start = this.peek().span;
    this.acceptName("async");
    const word = this.peek().text;
    this.clause();
    while (CLAUSES.has(this.peek().text) && ["if", "for", "while", "try"].includes(word)) this.clause();
    return { kind: "other", what: `\`${word}\``, span: this.since(start) };
  }

  private clause(): void {
    const word = this.next().text;
    this.header(word);
    this.expect(":");
    const body: PyStatement[] = [];
    if (this.peek().kind !== "newline") return this.simpleLine(body);
    this.next();
    if (this.next().kind !== "indent") this.unexpected(this.peek(-1), "an indented block");
    while (this.peek().kind !== "dedent") {
      if (this.peek().kind === "end") this.unexpected(this.peek());
      this.statement(body);
    }
    this.next();
  }

  /** What stands between the word of a clause and its colon. */
  private header(word: string): void {
    switch (word) {
      case "if":
      case "elif":
      case "while":
        return void this.named();
      case "for":
        do checkTarget(this.binary(0));
        while (this.accept(",") && !this.isName("in"));
        this.expectName("in");
        return void this.expressions();
      case "with":
        return this.managers();
      case "except":
        this.accept("*");
        if (!this.is(":")) this.expression();
        if (this.acceptName("as")) this.identifier();
        return;
      case "def":
      case "class":
        this.identifier();
        if (word === "def" && !this.is("(")) this.unexpected(this.peek(), '"("');
        return this.untilColon();
    }
  }

  private managers(): void {
    do {
      if (this.is(":")) break;
      this.expression();
      if (this.acceptName("as")) checkTarget(this.binary(0));
    } while (this.accept(","));
  }

  private untilColon(): void {
    for (let depth = 0; depth > 0 || !this.is(":");) {
      const token = this.next();
      if (token.kind === "newline" || token.kind === "end") this.unexpected(token, '":"');
      if (token.kind === "op" && "([{".includes(token.text)) depth += 1;
      if (token.kind === "op" && ")]}".includes(token.text)) depth -= 1;
    }
  }

  private simple(): PyStatement {
    const token = this.peek();
    const start = token.span;
    if (token.kind === "name" && SKIPPED.has(token.text)) {
      this.keyword(this.next().text);
      return { kind: "other", what: `\`${token.text}\``, span: this.since(start) };
    }
    const first = this.expressions();
    if (this.is(":")) return this.annotated(start, first, token.text === "(");
    if (this.peek().kind === "op" && AUGMENTED.has(this.peek().text)) {
      checkTarget(first);
      this.next();
      this.expressions();
      return { kind: "other", what: "an augmented assignment", span: this.since(start) };
    }
    if (!this.is("=")) return { kind: "expression", value: first, span: first.span };
    const values = [first];
    while (this.accept("=")) values.push(this.expressions());
    const targets = values.slice(0, -1);
    for (const target of targets) checkTarget(target);
    return { kind: "assign", targets, value: values.at(-1)!, span: this.since(start) };
  }

  /** The rest of a statement that begins with a keyword. */
  private keyword(word: string): void {
    const more = () => this.peek().kind !== "newline" && this.peek().kind !== "end" && !this.is(";");
    switch (word) {
      case "return":
        if (more()) this.expressions();
        return;
      case "del":
        return checkTarget(this.expressions());
      case "raise":
        if (more()) this.expression();
        if (this.acceptName("from")) this.expression();
        return;
      case "assert":
        do this.expression();
        while (this.accept(","));
        return;
      case "global":
      case "nonlocal":
        do this.identifier();
        while (this.accept(","));
        return;
      case "import":
        do this.imported(true);
        while (this.accept(","));
        return;
      case "from":
        return this.from();
    }
  }

  private from(): void {
    const start = this.at;
    while (this.accept(".") || this.accept("..."));
    if (this.at === start || !this.isName("import")) this.dotted();
    this.expectName("import");
    if (this.accept("*")) return;
    const bracket = this.accept("(");
    do {
      if (bracket && this.is(")")) break;
      this.imported(false);
    } while (this.accept(","));
    if (bracket) this.expect(")");
  }

  private imported(dots: boolean): void {
    if (dots) this.dotted();
    else this.identifier();
    if (this.acceptName("as")) this.identifier();
  }

  private dotted(): void {
    do this.identifier();
    while (this.accept("."));
  }

  private annotated(start: Span, target: PyExpr, parenthesised: boolean): PyStatement {
    if (!["name", "attribute", "subscript"].includes(target.kind)) {
      throw new Refusal(target.span, "syntax", "only one name can carry an annotation");
    }
    this.next();
    const annotation = this.expression();
    const value = this.accept("=") ? this.expressions() : null;
    return { kind: "annotated", target, parenthesised, annotation, value, span: this.since(start) };
  }
}
