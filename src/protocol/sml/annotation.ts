import type { Annotation } from "./ast.ts";
import { diagnosticAt, type Diagnostic } from "./diagnostics.ts";
import { BOOL, entityOf, FLOAT, INT, listOf, NONE, STR, unionOf, type Type } from "./types.ts";

/** What an annotation says a value read from outside must be; `coerce.ts` makes it so. */
export type Checker =
  | { kind: "scalar"; type: "str" | "int" | "float" | "bool" | "none" }
  | { kind: "union"; of: Checker[] }
  | { kind: "list"; of: Checker }
  | { kind: "entity"; of: Checker }
  | { kind: "extract-literal"; of: Checker };

const SCALARS: Record<string, Checker> = {
  str: { kind: "scalar", type: "str" },
  int: { kind: "scalar", type: "int" },
  float: { kind: "scalar", type: "float" },
  bool: { kind: "scalar", type: "bool" },
  None: { kind: "scalar", type: "none" },
};
const GENERICS = ["Entity", "ExtractLiteral", "List", "Optional", "Union"];
const SECRETS = ["Secret", "ExtractSecret"];

export function checkerOf(annotation: Annotation): Checker | Diagnostic {
  if (annotation.of === null) return scalar(annotation);
  const of = annotation.of;
  switch (annotation.name) {
    case "ExtractLiteral": {
      if (of.length !== 1)
        return bad(annotation, "`ExtractLiteral` takes one type", "write `ExtractLiteral[int]`");
      const inner = of[0]!.of === null ? scalar(of[0]!) : checkerOf(of[0]!);
      return "message" in inner ? inner : { kind: "extract-literal", of: inner };
    }
    case "List": {
      if (of.length > 1) return bad(of[1]!, "`List` takes one type", `write \`List[${of[0]!.name}]\``);
      const item = scalar(of[0]!);
      return "message" in item ? item : { kind: "list", of: item };
    }
    case "Entity": {
      if (of.length !== 1) return bad(annotation, "`Entity` takes one type", "write `Entity[str]`");
      const id = scalar(of[0]!);
      if (of[0]!.name !== "str" && of[0]!.name !== "int") {
        return bad(of[0]!, "the id of an entity is a `str` or an `int`", "write `Entity[str]`");
      }
      return "message" in id ? id : { kind: "entity", of: id };
    }
    case "Optional": {
      if (of.length > 2)
        return bad(annotation, "`Optional` takes one type", "write `Optional[int]`, or `int | str | None`");
      if (of.length === 2 && of[1]!.name !== "None")
        return bad(annotation, "`Optional` takes one type", "write `Optional[int]`, or `int | str | None`");
      return union([of[0]!], [SCALARS["None"]!]);
    }
    case "Union": {
      if (of.length === 1)
        return bad(annotation, "a union of one type is that type", `write \`${of[0]!.name}\``);
      const twice = of.find((one, at) => of.findIndex((other) => other.name === one.name) < at);
      if (twice !== undefined)
        return bad(twice, `\`${twice.name}\` stands twice in this union`, "name it once");
      return union(of, []);
    }
    default:
      return SECRETS.includes(annotation.name)
        ? diagnosticAt(
            annotation.span,
            "unsupported-annotation",
            "secret values are not evaluated here",
            "write the type itself, such as `str`",
          )
        : bad(annotation, `\`${annotation.name}[...]\` is no type`, `generic types: ${GENERICS.join(", ")}`);
  }
}

function union(parts: Annotation[], more: Checker[]): Checker | Diagnostic {
  const of: Checker[] = [];
  for (const part of parts) {
    const checker = scalar(part);
    if ("message" in checker) return checker;
    of.push(checker);
  }
  return { kind: "union", of: [...of, ...more] };
}

function scalar(annotation: Annotation): Checker | Diagnostic {
  if (annotation.of !== null) {
    const message = "generic types do not nest";
    return diagnosticAt(
      annotation.span,
      "engine-crash",
      message,
      "Osprey stops at this with an internal error",
    );
  }
  const checker = Object.hasOwn(SCALARS, annotation.name) ? SCALARS[annotation.name] : undefined;
  if (checker !== undefined) return checker;
  return GENERICS.includes(annotation.name)
    ? bad(annotation, `\`${annotation.name}\` needs a type in brackets`, `write \`${annotation.name}[str]\``)
    : bad(
        annotation,
        `\`${annotation.name}\` is no type`,
        "types: str, int, float, bool, None, List[T], Optional[T]",
      );
}

const bad = (annotation: Annotation, message: string, hint = "") =>
  diagnosticAt(annotation.span, "bad-annotation", message, hint);

export function typeOf(checker: Checker): Type {
  switch (checker.kind) {
    case "scalar":
      return { str: STR, int: INT, float: FLOAT, bool: BOOL, none: NONE }[checker.type];
    case "union":
      return unionOf(checker.of.map(typeOf));
    case "list":
      return listOf(typeOf(checker.of));
    case "entity":
      return entityOf(typeOf(checker.of));
    case "extract-literal":
      return typeOf(checker.of);
  }
}
