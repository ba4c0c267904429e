import { accountHint, fieldsOf, readJson, recordHints, socketUrl } from "./source.ts";
import type { Dialect, Message, RepoHint } from "./source.ts";

/** Asked for again at each connection: instances differ by some seconds (Jetstream's own advice). */
const REWIND_US = 5_000_000;
const MAX_MESSAGE_BYTES = 1_000_000;

/** Jetstream's `subscribe`: JSON messages; the position is `time_us`, microseconds since the epoch. */
export function jetstream(address: string, collections: ReadonlySet<string>): Dialect {
  return {
    name: `jetstream ${address}`,
    // Several messages may share a time, and a rewind repeats some.
    ordered: false,
    own: false,
    address(position) {
      const url = socketUrl(address, "/subscribe");
      for (const collection of collections) url.searchParams.append("wantedCollections", collection);
      url.searchParams.set("maxMessageSizeBytes", String(MAX_MESSAGE_BYTES));
      if (position !== undefined) url.searchParams.set("cursor", String(Math.max(0, position - REWIND_US)));
      return url;
    },
    read(data): Message {
      const message = readJson(data);
      if (!message) return { kind: "broken", detail: "a message that is no JSON object" };
      const at = message["time_us"];
      if (typeof at !== "number" || !Number.isSafeInteger(at) || at < 0) return { kind: "other" };
      return { kind: "hints", position: at, hints: hintsOf(message, collections) };
    },
  };
}

function hintsOf(message: Record<string, unknown>, collections: ReadonlySet<string>): RepoHint[] {
  const { did, kind } = message;
  if (typeof did !== "string") return [];
  if (kind === "identity") return [{ kind: "identity", did }];
  if (kind === "account") {
    const account = fieldsOf(message["account"]);
    return account ? [accountHint(did, account["active"], account["status"])] : [];
  }
  const commit = fieldsOf(message["commit"]);
  if (kind !== "commit" || !commit) return [];
  const { collection, rkey } = commit;
  if (typeof collection !== "string" || typeof rkey !== "string") return [];
  return recordHints(did, [`${collection}/${rkey}`], collections);
}
