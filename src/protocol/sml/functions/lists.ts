import { sorted } from "../operators.ts";
import { ANY, BOOL, INT, listOf, STR } from "../types.ts";
import { missing, toText } from "../values.ts";
import { flag, int, list, type FunctionTable } from "./definition.ts";

const LIST = { type: listOf(ANY) };

export const LISTS: FunctionTable = {
  ListLength: { parameters: { list: LIST }, returns: INT, run: (args) => BigInt(list(args, "list").length) },
  ListRead: {
    parameters: { list: LIST, index: { type: INT, optional: true } },
    returns: STR,
    run: (args) => {
      const items = list(args, "list");
      const index = args["index"] === undefined ? 0n : int(args, "index");
      const at = index < 0n ? index + BigInt(items.length) : index;
      if (at < 0n || at >= BigInt(items.length)) return missing("the list has no such item");
      return toText(items[Number(at)]!);
    },
  },
  ListSort: {
    parameters: { list: LIST, reverse: { type: BOOL, optional: true } },
    returns: listOf(ANY),
    run: (args) => sorted(list(args, "list"), flag(args, "reverse")),
  },
};
