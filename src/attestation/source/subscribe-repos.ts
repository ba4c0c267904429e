import { readFrame } from "../../protocol/labels/index.ts";
import { accountHint, fieldsOf, recordHints, socketUrl } from "./source.ts";
import type { Dialect, Message, RepoHint } from "./source.ts";

/** `com.atproto.sync.subscribeRepos` of a PDS or relay; the position is `seq`. */
export function subscribeRepos(host: string, collections: ReadonlySet<string>): Dialect {
  return {
    name: host,
    ordered: true,
    own: false,
    address(position) {
      const url = socketUrl(host, "/xrpc/com.atproto.sync.subscribeRepos");
      if (position !== undefined) url.searchParams.set("cursor", String(position));
      return url;
    },
    read(data, isBinary): Message {
      if (!isBinary) return { kind: "other" };
      const frame = readFrame(data);
      if (!frame) return { kind: "broken", detail: "a frame that cannot be read" };
      if (frame.kind === "error") {
        const detail = `${frame.error}: ${frame.message.slice(0, 200)}`;
        return { kind: "broken", detail, forget: frame.error === "FutureCursor" };
      }
      if (frame.type === "#info" && frame.body["name"] === "OutdatedCursor") {
        return { kind: "gap", detail: String(frame.body["message"] ?? "OutdatedCursor").slice(0, 200) };
      }
      const seq = frame.body["seq"];
      if (typeof seq !== "number" || !Number.isSafeInteger(seq)) return { kind: "other" };
      return { kind: "hints", position: seq, hints: hintsOf(frame.type, frame.body, collections) };
    },
  };
}

/** Reads hints out of one message; what is malformed gives none. */
export function hintsOf(
  type: string,
  body: Record<string, unknown>,
  collections: ReadonlySet<string>,
): RepoHint[] {
  const did = body[type === "#commit" ? "repo" : "did"];
  if (typeof did !== "string") return [];
  if (type === "#account") return [accountHint(did, body["active"], body["status"])];
  if (type === "#identity") return [{ kind: "identity", did }];
  if (type === "#sync") return [{ kind: "sync", did }];
  if (type !== "#commit" || !Array.isArray(body["ops"])) return [];
  const paths = (body["ops"] as unknown[]).map((op) => fieldsOf(op)?.["path"]);
  return recordHints(did, paths, collections);
}
