import type { Checker } from "./annotation.ts";
import { keyOf, type Assign, type Call, type Expr } from "./ast.ts";
import { argumentOf } from "./functions/definition.ts";
import type { JsonPath } from "./json-path.ts";
import type { Program } from "./program.ts";
import type { ReadPlace } from "./shape.ts";

/** What is known of a value before rules run. `bits`: the longest that it is as an int. */
type Kind = {
  is: "number" | "bool" | "text" | "list" | "entity" | "span" | "rule" | "effect" | "other";
  nullable: boolean;
  bits: number;
};

/** Numbers as JSON has them are shorter than 1e21. */
const JSON_BITS = 70;
/** Names that are read for one name, one for another. */
const MAX_DEPTH = 50;
/** Far below what a float holds and what arithmetic may make. */
const MAX_BITS = 900;

/**
 * Finds what need not be evaluated unless somebody reads it: expressions that can err in no event whose data has the
 * shape of their annotations. They may still be missing. Whatever is not known to be such is evaluated.
 */
export class Deferral {
  private readonly program: Omit<Program, "plan">;
  private readonly known = new Map<string, Kind | undefined>();
  /** Names below each name, and below what is looked at. */
  private readonly depths = new Map<string, number>();
  private depth = 0;
  private level = 0;
  /** What must have its shape for this to hold. */
  readonly places: ReadPlace[] = [];
  /** Most steps that all of it takes, each once. */
  cost = 0;

  constructor(program: Omit<Program, "plan">) {
    this.program = program;
  }

  /** Whether the assignment may wait until its name is read. */
  assign(assign: Assign): boolean {
    return this.kindOfName(keyOf(assign.target)) !== undefined;
  }

  /** The rules of a `WhenRules` that does nothing, and cannot err, unless one of them holds; or nothing. */
  whenRules(call: Call): string[] | undefined {
    const [rulesAny, then] = [argumentOf(call, "rules_any")!, argumentOf(call, "then")!];
    if (rulesAny.kind !== "list" || then.kind !== "list") return undefined;
    const keys = rulesAny.items.flatMap((item) => (item.kind === "name" ? [keyOf(item)] : []));
    const isKnown =
      keys.length === rulesAny.items.length &&
      keys.every((key) => this.kindOfName(key)?.is === "rule") &&
      then.items.every((item) => this.kind(item)?.is === "effect");
    return isKnown ? keys : undefined;
  }

  private kindOfName(key: string): Kind | undefined {
    if (!this.known.has(key)) this.look(key);
    this.depth = Math.max(this.depth, this.depths.get(key) ?? 0);
    return this.known.get(key);
  }

  private look(key: string): void {
    // A name that is needed for itself is none of these, nor is one far down a chain of names.
    this.known.set(key, undefined);
    if (this.level === MAX_DEPTH) return;
    const { value } = this.program.definitions.get(key)!;
    const before = this.depth;
    this.depth = 0;
    this.level += 1;
    const kind = value.kind === "call" && value.function === "Rule" ? this.rule(value) : this.kind(value);
    this.level -= 1;
    if (this.depth < MAX_DEPTH) this.known.set(key, kind);
    this.depths.set(key, this.depth + 1);
    this.depth = before;
  }

  private rule(call: Call): Kind | undefined {
    const [whenAll, description] = [argumentOf(call, "when_all")!, argumentOf(call, "description")!];
    if (whenAll.kind !== "list" || this.program.unwraps.has(call)) return undefined;
    const names =
      description.kind === "format" ? description.parts.filter((one) => typeof one !== "string") : [];
    const isKnown =
      (description.kind === "format" || description.kind === "text") &&
      [...whenAll.items, ...names].every((one) => this.kind(one) !== undefined);
    return isKnown ? plain("rule") : undefined;
  }

  private kind(expr: Expr): Kind | undefined {
    const kind = this.bare(expr);
    if (kind === undefined || !this.program.unwraps.has(expr)) return kind;
    if (kind.is === "rule") return { ...kind, is: "bool" };
    return kind.is === "entity" || kind.is === "span" ? { ...kind, is: "other" } : kind;
  }

  private bare(expr: Expr): Kind | undefined {
    this.cost += 1;
    switch (expr.kind) {
      case "name":
        return this.kindOfName(keyOf(expr));
      case "text":
        return plain("text");
      case "bool":
        return plain("bool");
      case "number":
        return number(typeof expr.value === "bigint" ? expr.value.toString(2).length : 0);
      case "list":
        this.cost += expr.items.length;
        return expr.items.every((item) => LITERALS.includes(item.kind)) ? plain("list") : undefined;
      case "unary": {
        const operand = this.kind(expr.operand);
        if (expr.op === "not") return operand && plain("bool");
        return operand?.is === "number" && !operand.nullable ? operand : undefined;
      }
      case "binary":
        return this.binary(expr);
      case "compare":
        return this.compare(expr);
      case "bool-op":
        return expr.values.every((value) => this.kind(value) !== undefined) ? plain("bool") : undefined;
      case "call":
        return this.call(expr);
      default:
        return undefined;
    }
  }

  private binary({ op, left, right }: Extract<Expr, { kind: "binary" }>): Kind | undefined {
    const [a, b] = [this.kind(left), this.kind(right)];
    if (a === undefined || b === undefined || !isNumeric(a) || !isNumeric(b)) return undefined;
    if (a.nullable || b.nullable || !["+", "-", "*", "/", "//", "%"].includes(op)) return undefined;
    const bits = op === "*" ? a.bits + b.bits : Math.max(a.bits, b.bits) + 1;
    return bits > MAX_BITS ? undefined : number(bits);
  }

  private compare({ op, left, right }: Extract<Expr, { kind: "compare" }>): Kind | undefined {
    const [a, b] = [this.kind(left), this.kind(right)];
    if (a === undefined || b === undefined) return undefined;
    // A list that is compared with takes a step for each item: as many as were written.
    if (right.kind === "name") this.cost += this.lengthOf(right);
    if (op === "==" || op === "!=") return plain("bool");
    if (op === "in" || op === "not in") {
      return b.is === "list" || (a.is === "text" && b.is === "text") ? plain("bool") : undefined;
    }
    return isNumeric(a) && isNumeric(b) ? plain("bool") : undefined;
  }

  private lengthOf(name: Extract<Expr, { kind: "name" }>): number {
    const value = this.program.definitions.get(keyOf(name))?.value;
    return value?.kind === "list" ? value.items.length : 0;
  }

  private call(call: Call): Kind | undefined {
    switch (call.function) {
      case "GetActionName":
        return plain("text");
      case "JsonData":
        return this.read(call, this.program.calls.get(call)!.checker);
      case "EntityJson": {
        const { checker } = this.program.calls.get(call)!;
        return checker?.kind === "entity" && this.read(call, checker.of) ? plain("entity") : undefined;
      }
      case "ResolveOptional":
        return this.resolved(call);
      case "TimeDelta":
        return this.span(call);
      case "LabelAdd":
      case "LabelRemove":
        return this.labelEffect(call);
      case "DeclareVerdict":
        return argumentOf(call, "verdict")?.kind === "text" ? plain("effect") : undefined;
      default:
        return undefined;
    }
  }

  private read(call: Call, checker: Checker | undefined): Kind | undefined {
    const { plain: path } = this.program.calls.get(call)!.compiled as JsonPath;
    const required = switchOf(call, "required");
    if (path === undefined || path.length === 0 || checker === undefined) return undefined;
    if (required === undefined || switchOf(call, "coerce_type") === undefined) return undefined;
    const kind = kindRead(checker);
    if (kind !== undefined) this.places.push({ path, checker, required });
    return kind;
  }

  private resolved(call: Call): Kind | undefined {
    const [value, fallback] = [argumentOf(call, "optional_value")!, argumentOf(call, "default_value")];
    if (value.kind !== "name" && value.kind !== "call") return undefined;
    if (fallback === undefined || !SCALARS.includes(fallback.kind)) return undefined;
    const [a, b] = [this.kind(value), this.kind(fallback)!];
    if (a === undefined) return undefined;
    return { is: a.is === b.is ? a.is : "other", nullable: false, bits: Math.max(a.bits, b.bits) };
  }

  private span({ args }: Call): Kind | undefined {
    const isShort = args.every(
      ({ value }) =>
        value.kind === "number" &&
        typeof value.value === "bigint" &&
        value.value >= 0n &&
        value.value < 1000n,
    );
    return isShort ? plain("span") : undefined;
  }

  private labelEffect(call: Call): Kind | undefined {
    for (const { name, value } of call.args) {
      const wanted =
        name === "entity" ? "entity" : name === "label" ? "text" : name === "apply_if" ? "rule" : "span";
      if (this.kind(value)?.is !== wanted || this.program.unwraps.has(value)) return undefined;
    }
    return plain("effect");
  }
}

const SCALARS: readonly Expr["kind"][] = ["text", "number", "bool"];
const LITERALS: readonly Expr["kind"][] = [...SCALARS, "none"];

const plain = (is: Kind["is"]): Kind => ({ is, nullable: false, bits: is === "bool" ? 1 : 0 });
const number = (bits: number): Kind => ({ is: "number", nullable: false, bits });
const isNumeric = ({ is }: Kind) => is === "number" || is === "bool";

/** A switch that is left out is on; undefined for one that is not written down. */
function switchOf(call: Call, name: string): boolean | undefined {
  const expr = argumentOf(call, name);
  if (expr === undefined) return true;
  return expr.kind === "bool" ? expr.value : undefined;
}

const isNone = (one: Checker) => one.kind === "scalar" && one.type === "none";

function kindRead(checker: Checker): Kind | undefined {
  if (checker.kind === "scalar") {
    if (checker.type === "none") return { ...plain("other"), nullable: true };
    if (checker.type === "int" || checker.type === "float") return number(JSON_BITS);
    return plain(checker.type === "str" ? "text" : "bool");
  }
  if (checker.kind !== "union") return undefined;
  const kinds = checker.of.filter((one) => !isNone(one)).map(kindRead);
  const [first] = kinds;
  if (first === undefined || kinds.includes(undefined)) return undefined;
  const is = kinds.every((kind) => kind!.is === first.is) ? first.is : "other";
  return { is, nullable: checker.of.some(isNone), bits: JSON_BITS };
}
