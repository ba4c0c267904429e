import { accountHint, fieldsOf, readJson, recordHints, socketUrl } from "./source.ts";
import type { Dialect, Message, RepoHint } from "./source.ts";

/**
 * Tap's `/channel` (bluesky-social/indigo, `cmd/tap`): JSON events with an `id`, each acknowledged once it has been
 * followed; what is not acknowledged comes again, so no position is kept here.
 */
export function tap(origin: string, password: string | undefined, collections: ReadonlySet<string>): Dialect {
  const credentials = Buffer.from(`admin:${password ?? ""}`).toString("base64");
  return {
    name: `tap ${origin}`,
    ordered: false,
    own: true,
    address: () => socketUrl(origin, "/channel"),
    ...(password !== undefined && { headers: { authorization: `Basic ${credentials}` } }),
    acknowledge: (id) => JSON.stringify({ type: "ack", id }),
    read(data): Message {
      const event = readJson(data);
      const id = event?.["id"];
      // Without an id it cannot be acknowledged, and would come again for ever.
      if (!event || typeof id !== "number" || !Number.isSafeInteger(id)) return { kind: "other" };
      return { kind: "hints", position: id, hints: hintsOf(event, collections) };
    },
  };
}

function hintsOf(event: Record<string, unknown>, collections: ReadonlySet<string>): RepoHint[] {
  const body = fieldsOf(event[event["type"] === "record" ? "record" : "identity"]);
  const did = body?.["did"];
  if (!body || typeof did !== "string") return [];
  if (event["type"] === "record") {
    return recordHints(did, [`${String(body["collection"])}/${String(body["rkey"])}`], collections);
  }
  if (event["type"] !== "identity") return [];
  if (body["is_active"] !== true) return [accountHint(did, false, body["status"])];
  // One event stands for a changed handle and for an account that came back: both are proved anew.
  return [{ kind: "identity", did }];
}
