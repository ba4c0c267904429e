import type { DeskRefusal } from "../member-desk.ts";
import { Fault } from "../xrpc-methods.ts";

export const gone = (did: string) => new Fault(404, "MemberNotFound", `You act for no member ${did}.`);

/** What a desk refused, by its own name and in its own words; else the answer. */
export function orFault<T extends object>(
  result: T | DeskRefusal,
  body: (done: T) => object = (done) => done,
): object {
  return isRefusal(result) ? new Fault(400, result.error, result.message) : body(result);
}

function isRefusal(result: object): result is DeskRefusal {
  return "error" in result && "message" in result;
}
