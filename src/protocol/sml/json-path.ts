import { Failure, fail, isJsonInt, type Json } from "./values.ts";

/** A path into the data of an event: `$.a.b`, `$.list[0]`, `$.list[*].x`, `$..name`, `$.'odd key'`. */
export type JsonPath = { text: string; expr: PathExpr; plain: string[] | undefined };

type PathExpr =
  | { step: "root" | "this" | "parent" }
  | { step: "fields"; names: string[] }
  | { step: "index"; index: number }
  | { step: "slice"; start: number | null; end: number | null }
  | { step: "child" | "descend" | "where" | "union" | "intersect"; left: PathExpr; right: PathExpr };

/** A place in the data with what it lies in. */
type Place = { value: Json; within: Place | null };

type PathToken = { type: "id" | "number" | "operator" | "where" | "mark"; text: string };

const MAX_PATH = 1000;
const MAX_DATA_DEPTH = 400;
const TOKEN =
  /[ \t\n]*(?:([a-zA-Z_@][a-zA-Z0-9_@-]*)|(-?[0-9]+)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`|(\.\.|[*.[\]()$,:|&]))/y;

/** From loose to tight, as jsonpath-rw has it; brackets bind tighter than all of them. */
const BINDING: Record<string, { power: number; step: Extract<PathExpr, { left: PathExpr }>["step"] }> = {
  "..": { power: 1, step: "descend" },
  ".": { power: 2, step: "child" },
  "|": { power: 3, step: "union" },
  "&": { power: 4, step: "intersect" },
  where: { power: 5, step: "where" },
};

/** Reads a path of jsonpath-rw, or says why not. */
export function parsePath(text: string): JsonPath | string {
  if (text.length > MAX_PATH) return `it is longer than ${MAX_PATH} characters`;
  const tokens = tokensOf(text);
  if (typeof tokens === "string") return tokens;
  try {
    const expr = new PathParser(tokens).path();
    return { text, expr, plain: plainFields(expr) };
  } catch (error) {
    if (error instanceof Misfit) return error.message;
    throw error;
  }
}

function tokensOf(text: string): PathToken[] | string {
  const tokens: PathToken[] = [];
  const trimmed = text.replace(/[ \t\n]+$/, "");
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < trimmed.length;) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(trimmed);
    if (found === null) return `cannot read \`${text.slice(at)}\``;
    const [, id, number, single, double, operator, mark] = found;
    const quoted = single ?? double;
    if (id !== undefined) tokens.push({ type: id === "where" ? "where" : "id", text: id });
    else if (number !== undefined) tokens.push({ type: "number", text: number });
    else if (quoted !== undefined) tokens.push({ type: "id", text: unquote(quoted) });
    else if (operator !== undefined) tokens.push({ type: "operator", text: unquote(operator) });
    else tokens.push({ type: "mark", text: mark! });
  }
  return tokens;
}

const unquote = (name: string) => name.replace(/\\(.)/g, "$1");

class Misfit extends Error {}

class PathParser {
  private readonly tokens: PathToken[];
  private at = 0;
  private depth = 0;

  constructor(tokens: PathToken[]) {
    this.tokens = tokens;
  }

  path(): PathExpr {
    const path = this.binary(0);
    if (this.at < this.tokens.length)
      throw new Misfit(`\`${this.tokens[this.at]!.text}\` is not expected there`);
    return path;
  }

  private binary(least: number): PathExpr {
    this.depth += 1;
    if (this.depth > 50) throw new Misfit("it nests too deep");
    let left = this.postfix();
    for (;;) {
      const token = this.tokens[this.at];
      const binding = token === undefined || token.type === "id" ? undefined : BINDING[token.text];
      if (token === undefined || binding === undefined || binding.power <= least) break;
      this.at += 1;
      left = { step: binding.step, left, right: this.binary(binding.power) };
    }
    this.depth -= 1;
    return left;
  }

  private postfix(): PathExpr {
    let path = this.atom();
    while (this.is("[")) path = { step: "child", left: path, right: this.bracket() };
    return path;
  }

  private atom(): PathExpr {
    const token = this.tokens[this.at];
    if (token === undefined) throw new Misfit("the path ends too early");
    if (this.is("[")) return this.bracket();
    if (token.type === "id") return { step: "fields", names: this.names() };
    this.at += 1;
    if (token.type === "operator" && (token.text === "this" || token.text === "parent"))
      return { step: token.text };
    if (token.type === "mark" && token.text === "$") return { step: "root" };
    if (token.type === "mark" && token.text === "*") return { step: "fields", names: ["*"] };
    if (token.type === "mark" && token.text === "(") {
      const path = this.binary(0);
      this.expect(")");
      return path;
    }
    throw new Misfit(`\`${token.text}\` is not expected there`);
  }

  private bracket(): PathExpr {
    this.at += 1;
    const path = this.inBracket();
    this.expect("]");
    return path;
  }

  private inBracket(): PathExpr {
    if (this.tokens[this.at]?.type === "id") return { step: "fields", names: this.names() };
    if (this.accept("*")) return { step: "slice", start: null, end: null };
    const start = this.number();
    if (this.accept(":")) return { step: "slice", start, end: this.number() };
    if (start === null) throw new Misfit("a bracket holds a number, `*` or a name in quotes");
    return { step: "index", index: start };
  }

  private number(): number | null {
    if (this.tokens[this.at]?.type !== "number") return null;
    this.at += 1;
    return Number(this.tokens[this.at - 1]!.text);
  }

  private names(): string[] {
    const names: string[] = [];
    do {
      const token = this.tokens[this.at];
      if (token?.type !== "id") throw new Misfit("a name is missing behind the comma");
      names.push(token.text);
      this.at += 1;
    } while (this.accept(","));
    return names;
  }

  private is(mark: string): boolean {
    return this.tokens[this.at]?.type === "mark" && this.tokens[this.at]!.text === mark;
  }

  private accept(mark: string): boolean {
    if (!this.is(mark)) return false;
    this.at += 1;
    return true;
  }

  private expect(mark: string): void {
    if (!this.accept(mark)) throw new Misfit(`\`${mark}\` is missing`);
  }
}

/** The names of a path of plain fields, such as `$.a.b`; nothing else is as quick to follow. */
function plainFields(expr: PathExpr): string[] | undefined {
  if (expr.step === "root") return [];
  if (expr.step !== "child" || expr.right.step !== "fields") return undefined;
  const [name, ...more] = expr.right.names;
  const before = plainFields(expr.left);
  const isOne = name !== undefined && name !== "*" && more.length === 0;
  return before === undefined || !isOne ? undefined : [...before, name];
}

/** The first match, `undefined` without one, or a failure where the data has another shape than the path. */
export function findFirst(path: JsonPath, data: Json): Json | undefined | Failure {
  if (path.plain !== undefined) return follow(path.plain, data);
  try {
    return find(path.expr, { value: data, within: null })[0]?.value;
  } catch (error) {
    if (error instanceof Misfit) return fail(`${path.text}: ${error.message}`);
    throw error;
  }
}

function follow(names: string[], data: Json): Json | undefined {
  let value = data;
  for (const name of names) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name]!;
  }
  return value;
}

function find(path: PathExpr, place: Place): Place[] {
  switch (path.step) {
    case "root": {
      let root = place;
      while (root.within !== null) root = root.within;
      return [root];
    }
    case "this":
      return [place];
    case "parent":
      if (place.within === null) throw new Misfit("the data has no parent");
      return [place.within];
    case "fields":
      return fields(path.names, place);
    case "index":
      return item(place, path.index);
    case "slice":
      return items(place, path.start, path.end);
    case "child":
      return find(path.left, place).flatMap((one) => find(path.right, one));
    case "descend":
      return find(path.left, place).flatMap((one) => below(path.right, one, 0));
    case "where":
      return find(path.left, place).filter((one) => find(path.right, one).length > 0);
    case "union":
      return [...find(path.left, place), ...find(path.right, place)];
    case "intersect":
      throw new Misfit("`&` has no meaning");
  }
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  value !== null && typeof value === "object" && !Array.isArray(value);

function fields(names: string[], within: Place): Place[] {
  const { value } = within;
  if (!isObject(value)) return [];
  const wanted = names.includes("*")
    ? Object.keys(value)
    : names.filter((name) => Object.hasOwn(value, name));
  return wanted.map((name) => ({ value: value[name]!, within }));
}

function below(path: PathExpr, place: Place, depth: number): Place[] {
  if (depth > MAX_DATA_DEPTH) throw new Misfit("the data nests too deep");
  const found = find(path, place);
  if (place.value === null || typeof place.value !== "object") return found;
  for (const value of Object.values(place.value))
    found.push(...below(path, { value, within: place }, depth + 1));
  return found;
}

function item(within: Place, index: number): Place[] {
  const { value } = within;
  if (value === null || value === false || value === 0 || value === "") return [];
  if (typeof value === "number" || value === true)
    throw new Misfit("an index into something that is no list");
  const list = typeof value === "string" ? Array.from(value) : Array.isArray(value) ? value : undefined;
  const length = list?.length ?? Object.keys(value).length;
  if (length === 0 || length <= index) return [];
  const found = list?.at(index);
  if (found === undefined) throw new Misfit("an index that is not there");
  return [{ value: found, within }];
}

/** What is no list counts as a list of it. */
function items(within: Place, start: number | null, end: number | null): Place[] {
  const { value } = within;
  if (value === null || (typeof value === "number" && !isJsonInt(value)))
    throw new Misfit("a slice of something that is no list");
  const list = Array.isArray(value) ? value : [value];
  // The list made up for a single value lies where that value lay.
  const around = Array.isArray(value) ? within : { value: list, within: within.within };
  return list.slice(start ?? 0, end ?? undefined).map((one) => ({ value: one, within: around }));
}
