import { Refusal, type Span } from "./diagnostics.ts";
import { checkTarget, type PyExpr, type PyField, type PyKeyword } from "./python.ts";
import { readNumber } from "./numbers.ts";
import { readString } from "./strings.ts";
import { isPrint, KEYWORDS, startsExpression, TokenCursor } from "./token-cursor.ts";
import { tokenize, type Token } from "./tokenize.ts";

/** How deep expressions may nest; Python's own parser gives up at 200 brackets. */
const MAX_DEPTH = 90;
const MAX_CHAIN = 150;

const BINARY_LEVELS = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%", "@"]];

/** Recursive descent over Python 3.11 expressions. Throws `Refusal`, for `parseFile` to catch. */
export class ExpressionParser extends TokenCursor {
  private depth = 0;

  /** A tuple without brackets, or one expression; stars and yields are other Python. */
  expressions(): PyExpr {
    const start = this.peek().span;
    if (this.isName("yield")) return this.yields();
    const items = [this.starred(false)];
    let comma = false;
    while (this.accept(",")) {
      comma = true;
      if (this.endsExpressions()) break;
      items.push(this.starred(false));
    }
    return comma ? { kind: "tuple", items, span: this.since(start) } : items[0]!;
  }

  expression(): PyExpr {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) {
      throw new Refusal(
        this.peek().span,
        "too-large",
        `expressions nest deeper than ${MAX_DEPTH}`,
        "name the parts",
      );
    }
    const first = this.peek();
    const at = this.at;
    const result = this.isName("lambda") ? this.lambda() : this.ternary();
    this.depth -= 1;
    this.separated(first, at);
    return result;
  }

  /** Within brackets, Python tells of two values side by side where the first of them begins. */
  private separated(first: Token, start: number): void {
    const next = this.peek();
    if (next.depth === 0 || !startsExpression(next) || isPrint(first)) return;
    if (first.kind === "name" && this.tokens[start + 1]!.kind === "string") return;
    const back = this.at;
    try {
      this.ternary();
    } catch (error) {
      if (!(error instanceof Refusal) || this.peek().kind === "end") throw error;
      this.at = back;
      return;
    }
    const inBrackets = this.tokens[this.at - 1]!.depth > 0;
    this.at = back;
    if (!inBrackets) return;
    throw new Refusal(
      first.span,
      "syntax",
      "two values without anything between them",
      "write a comma between them",
    );
  }

  private ternary(): PyExpr {
    const start = this.peek().span;
    const value = this.or();
    if (!this.acceptName("if")) return value;
    this.or();
    if (!this.isName("else")) throw new Refusal(start, "syntax", "an `if` without its `else`");
    this.next();
    this.expression();
    return { kind: "other", what: "a conditional expression", span: this.since(start) };
  }

  private lambda(): PyExpr {
    const start = this.next().span;
    while (!this.is(":")) {
      if (this.accept("*") || this.accept("**") || this.accept("/")) {
        if (this.is(",") && this.accept(",")) continue;
        if (this.is(":")) break;
      }
      this.identifier();
      if (this.accept("=")) this.expression();
      if (!this.is(":")) this.expect(",");
    }
    this.next();
    this.expression();
    return { kind: "other", what: "a lambda", span: this.since(start) };
  }

  protected yields(): PyExpr {
    const start = this.next().span;
    this.acceptName("from");
    if (!this.endsExpressions()) this.expressions();
    return { kind: "other", what: "yield", span: this.since(start) };
  }

  private or(): PyExpr {
    return this.booleans("or", () => this.booleans("and", () => this.not()));
  }

  private booleans(op: "and" | "or", operand: () => PyExpr): PyExpr {
    const start = this.peek().span;
    const values = [operand()];
    while (this.acceptName(op)) values.push(operand());
    return values.length === 1 ? values[0]! : { kind: "bool-op", op, values, span: this.since(start) };
  }

  private not(): PyExpr {
    const start = this.peek().span;
    let count = 0;
    while (this.acceptName("not")) count += 1;
    let result = this.comparison();
    for (; count > 0; count -= 1) {
      result = { kind: "unary", op: "not", operand: result, span: this.since(start) };
    }
    return result;
  }

  private comparison(): PyExpr {
    const start = this.peek().span;
    const left = this.binary(0);
    const ops: string[] = [];
    const rights: PyExpr[] = [];
    for (let op = this.comparator(); op !== undefined; op = this.comparator()) {
      ops.push(op);
      rights.push(this.binary(0));
    }
    return ops.length === 0 ? left : { kind: "compare", left, ops, rights, span: this.since(start) };
  }

  protected binary(level: number): PyExpr {
    const operators = BINARY_LEVELS[level];
    if (operators === undefined) return this.factor();
    const start = this.peek().span;
    let left = this.binary(level + 1);
    let count = 0;
    while (this.peek().kind === "op" && operators.includes(this.peek().text)) {
      const op = this.next().text;
      const right = this.binary(level + 1);
      left = { kind: "binary", op, left, right, span: this.since(start) };
      count += 1;
      if (count > MAX_CHAIN)
        throw new Refusal(start, "too-large", "too many operators in one expression", "name the parts");
    }
    return left;
  }

  private factor(): PyExpr {
    const start = this.peek().span;
    const signs: string[] = [];
    while (this.is("-") || this.is("+") || this.is("~")) signs.push(this.next().text);
    if (signs.length > MAX_DEPTH) throw new Refusal(start, "too-large", "too many signs");
    let result = this.power();
    for (const op of signs.toReversed())
      result = { kind: "unary", op, operand: result, span: this.since(start) };
    return result;
  }

  private power(): PyExpr {
    const start = this.peek().span;
    const awaited = this.acceptName("await");
    const base = this.primary();
    const left: PyExpr = awaited ? { kind: "other", what: "await", span: this.since(start) } : base;
    if (!this.accept("**")) return left;
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new Refusal(start, "too-large", "too many powers", "name the parts");
    const right = this.factor();
    this.depth -= 1;
    return { kind: "binary", op: "**", left, right, span: this.since(start) };
  }

  protected primary(): PyExpr {
    const start = this.peek().span;
    let value = this.atom();
    for (let count = 0; ; count += 1) {
      if (count > MAX_DEPTH) throw new Refusal(start, "too-large", "too many calls in a row");
      if (this.accept(".")) {
        value = { kind: "attribute", value, name: this.identifier(), span: this.since(start) };
      } else if (this.accept("(")) value = this.call(start, value);
      else if (this.accept("[")) {
        const index = this.subscript();
        this.expect("]");
        value = { kind: "subscript", value, index, span: this.since(start) };
      } else return value;
    }
  }

  private call(start: Span, func: PyExpr): PyExpr {
    const keywords: PyKeyword[] = [];
    let positional = 0;
    let misplaced = false;
    while (!this.is(")")) {
      const token = this.peek();
      if (this.accept("**")) keywords.push({ name: null, value: this.expression() });
      else if (this.accept("*")) {
        this.expression();
        positional += 1;
      } else if (token.kind === "name" && this.peek(1).text === "=" && this.peek(1).kind === "op") {
        const name = this.identifier();
        this.next();
        keywords.push({ name, value: this.expression() });
      } else {
        misplaced ||= keywords.length > 0;
        this.named();
        if (this.isName("for") || this.isName("async")) this.comprehension();
        positional += 1;
      }
      if (!this.is(")")) this.expect(",");
    }
    if (misplaced) {
      const hint = "write `f(name=value)`";
      throw new Refusal(this.peek().span, "syntax", "an argument without a name follows named ones", hint);
    }
    this.next();
    return { kind: "call", func, positional, keywords, span: this.since(start) };
  }

  private subscript(): PyExpr {
    const start = this.peek().span;
    const items: PyExpr[] = [];
    let comma = false;
    do {
      if (comma && this.is("]")) break;
      items.push(this.slice());
      comma = this.is(",");
    } while (this.accept(","));
    return items.length === 1 && !comma ? items[0]! : { kind: "tuple", items, span: this.since(start) };
  }

  private slice(): PyExpr {
    const start = this.peek().span;
    const first = this.is(":") ? undefined : this.starred();
    if (first !== undefined && !this.is(":")) return first;
    while (this.accept(":")) if (!this.is(":") && !this.is("]") && !this.is(",")) this.expression();
    return { kind: "other", what: "a slice", span: this.since(start) };
  }

  private atom(): PyExpr {
    const token = this.peek();
    const span = token.span;
    if (token.kind === "string") return this.strings();
    if (token.kind === "number") return readNumber(this.next());
    if (token.kind === "name") {
      if (!KEYWORDS.has(token.text)) return { kind: "name", id: this.next().text, span };
      if (token.text === "True" || token.text === "False") {
        return { kind: "bool", value: this.next().text === "True", span };
      }
      if (this.acceptName("None")) return { kind: "none", span };
    }
    if (this.accept("...")) return { kind: "other", what: "an ellipsis", span };
    if (this.accept("[")) return this.list(span);
    if (this.accept("(")) return this.parenthesised(span);
    if (this.accept("{")) return this.braces(span);
    return this.unexpected(token);
  }

  private list(start: Span): PyExpr {
    const items: PyExpr[] = [];
    while (!this.is("]")) {
      items.push(this.starred());
      if (items.length === 1 && (this.isName("for") || this.isName("async"))) {
        this.comprehension();
        this.expect("]");
        return { kind: "other", what: "a comprehension", span: this.since(start) };
      }
      if (!this.is("]")) this.expect(",");
    }
    this.next();
    return { kind: "list", items, span: this.since(start) };
  }

  private parenthesised(start: Span): PyExpr {
    if (this.accept(")")) return { kind: "tuple", items: [], span: this.since(start) };
    if (this.isName("yield")) {
      const value = this.yields();
      this.expect(")");
      return value;
    }
    const first = this.starred();
    if (this.isName("for") || this.isName("async")) {
      this.comprehension();
      this.expect(")");
      return { kind: "other", what: "a generator", span: this.since(start) };
    }
    const items = [first];
    let comma = false;
    while (this.accept(",")) {
      comma = true;
      if (this.is(")")) break;
      items.push(this.starred());
    }
    this.expect(")");
    if (comma) return { kind: "tuple", items, span: this.since(start) };
    if (first.kind === "other" && first.what === "a starred expression") {
      throw new Refusal(first.span, "syntax", "a star stands before a value that is no tuple", "remove it");
    }
    return first;
  }

  private braces(start: Span): PyExpr {
    let what = "a dictionary";
    while (!this.is("}")) {
      if (this.accept("**")) this.expression();
      else {
        this.starred();
        if (this.accept(":")) this.expression();
        else what = "a set";
      }
      if (this.isName("for") || this.isName("async")) this.comprehension();
      if (!this.is("}")) this.expect(",");
    }
    this.next();
    return { kind: "other", what, span: this.since(start) };
  }

  private comprehension(): void {
    while (this.isName("for") || this.isName("async")) {
      this.acceptName("async");
      this.expectName("for");
      let count = 0;
      do {
        if (count > 0 && this.isName("in")) break;
        count += 1;
        this.accept("*");
        checkTarget(this.binary(0));
      } while (this.accept(","));
      this.expectName("in");
      this.or();
      while (this.acceptName("if")) this.or();
    }
  }

  private starred(mayName = true): PyExpr {
    const start = this.peek().span;
    if (!this.accept("*")) return mayName ? this.named() : this.expression();
    this.binary(0);
    return { kind: "other", what: "a starred expression", span: this.since(start) };
  }

  protected named(): PyExpr {
    const start = this.peek().span;
    const value = this.expression();
    if (value.kind !== "name" || !this.accept(":=")) return value;
    this.expression();
    return { kind: "other", what: "an assignment expression", span: this.since(start) };
  }

  private strings(): PyExpr {
    const start = this.peek().span;
    const parts: (string | PyField)[] = [];
    let format = false;
    let bytes = 0;
    let count = 0;
    for (; this.peek().kind === "string"; count += 1) {
      const literal = readString(this.next());
      if (literal.kind === "bytes") bytes += 1;
      else if (literal.kind === "text") parts.push(literal.text);
      else {
        format = true;
        for (const part of literal.parts) parts.push("text" in part ? part.text : field(part));
      }
    }
    const span = this.since(start);
    if (bytes > 0 && bytes < count) throw new Refusal(span, "syntax", "bytes and text do not mix");
    if (bytes > 0) return { kind: "other", what: "bytes", span };
    return format ? { kind: "format", parts, span } : { kind: "text", value: parts.join(""), span };
  }
}

function field(part: { source: string; span: Span; plain: boolean }): PyField {
  const { span } = part;
  const { tokens, broken } = tokenize(span.file, `(${part.source})`);
  const moved = tokens.map((token) => ({
    ...token,
    span: {
      file: span.file,
      line: span.line + token.span.line - 1,
      column: token.span.line === 1 ? span.column + token.span.column - 2 : token.span.column,
      start: span.start + token.span.start - 1,
      end: span.start + token.span.end - 1,
    },
  }));
  if (broken !== undefined) throw new Refusal(span, "syntax", broken.message, broken.diagnostic.hint);
  const parser = new ExpressionParser({ tokens: moved, broken });
  const expr = parser.expressions();
  parser.finish();
  return { span, expr, plain: part.plain };
}
