import { Refusal } from "./diagnostics.ts";
import type { PyExpr } from "./python.ts";
import type { Token } from "./tokenize.ts";

/** A number as Python reads it: an int without limit, or a float. Throws `Refusal`. */
export function readNumber(token: Token): PyExpr {
  const text = token.text.replaceAll("_", "").toLowerCase();
  const span = token.span;
  if (text.endsWith("j") && !text.startsWith("0x")) return { kind: "other", what: "a complex number", span };
  if (/^(?:0[xob]|[0-9]+$)/.test(text)) {
    if (text.length > 400) throw new Refusal(span, "too-large", "this number has too many digits");
    return { kind: "number", value: BigInt(text), span };
  }
  return { kind: "number", value: Number(text), span };
}
