/** A static type. `rule`, `span` and `entity` turn into `bool`, `float` and their id where a plain value is wanted. */
export type Type =
  | { t: "any" | "str" | "int" | "float" | "bool" | "none" | "rule" | "span" | "effect" }
  | { t: "list"; of: Type }
  | { t: "entity"; of: Type }
  | { t: "union"; of: Type[] };

export const ANY: Type = { t: "any" };
export const STR: Type = { t: "str" };
export const INT: Type = { t: "int" };
export const FLOAT: Type = { t: "float" };
export const BOOL: Type = { t: "bool" };
export const NONE: Type = { t: "none" };
export const RULE: Type = { t: "rule" };
export const SPAN: Type = { t: "span" };
export const EFFECT: Type = { t: "effect" };
export const NUMBER: Type = { t: "union", of: [INT, FLOAT] };
export const PRINTABLE: Type = { t: "union", of: [INT, FLOAT, BOOL, STR] };
export const listOf = (of: Type): Type => ({ t: "list", of });
export const entityOf = (of: Type): Type => ({ t: "entity", of });
export const optional = (of: Type): Type => unionOf([of, NONE]);

/** A union without repeats; of one type it is that type. */
export function unionOf(members: Type[]): Type {
  const flat = members.flatMap((member) => (member.t === "union" ? member.of : [member]));
  const of = [...new Map(flat.map((member) => [showType(member), member])).values()];
  return of.length === 1 ? of[0]! : { t: "union", of };
}

export const isNullable = (type: Type): boolean =>
  type.t === "union" && type.of.some((member) => member.t === "none");

export function withoutNone(type: Type): Type {
  if (type.t !== "union") return type;
  return unionOf(type.of.filter((member) => member.t !== "none"));
}

export const sameType = (a: Type, b: Type): boolean => typeKey(a) === typeKey(b);

/** A text that two types share only if they are equal; the order within a union does not matter. */
export function typeKey(type: Type): string {
  if (type.t === "list" || type.t === "entity") return `${type.t}[${typeKey(type.of)}]`;
  return type.t === "union" ? type.of.map(typeKey).sort().join("|") : type.t;
}

/** As a person writes it in a rule file. */
export function showType(type: Type): string {
  switch (type.t) {
    case "any":
      return "Any";
    case "none":
      return "None";
    case "rule":
      return "Rule";
    case "span":
      return "TimeDelta";
    case "effect":
      return "an effect";
    case "list":
      return `List[${showType(type.of)}]`;
    case "entity":
      return `Entity[${showType(type.of)}]`;
    case "union":
      return type.of.map(showType).join(" | ");
    default:
      return type.t;
  }
}

/** What a value of this type becomes where a plain value is wanted, if it becomes anything. */
function unwrapped(type: Type): Type | undefined {
  if (type.t === "rule") return BOOL;
  if (type.t === "span") return FLOAT;
  return type.t === "entity" ? type.of : undefined;
}

export type Fit = "no" | "as-is" | "unwrapped";

/** Whether a value of one type may stand where the other is accepted. Lists and entities are invariant. */
export function fits(type: Type, accepted: Type, mayUnwrap = true): Fit {
  if (isCompatible(type, accepted)) return "as-is";
  const plain = mayUnwrap ? unwrapped(type) : undefined;
  return plain !== undefined && isCompatible(plain, accepted) ? "unwrapped" : "no";
}

function isCompatible(type: Type, accepted: Type): boolean {
  if (type.t === "any" || accepted.t === "any") return true;
  if (type.t === "list" || accepted.t === "list" || type.t === "entity" || accepted.t === "entity") {
    if (type.t === "list" && accepted.t === "list") return isCompatible(type.of, accepted.of);
    if (type.t === "entity" && accepted.t === "entity") return isCompatible(type.of, accepted.of);
    return false;
  }
  const accepts = members(accepted);
  return members(type).every((one) =>
    accepts.some((other) => one.t === other.t || (one.t === "int" && other.t === "float")),
  );
}

const members = (type: Type): Type[] => (type.t === "union" ? type.of : [type]);
