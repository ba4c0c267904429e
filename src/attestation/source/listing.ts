import type { SafeFetch } from "../../platform/fetch.ts";
import { isAccountDid } from "../identity.ts";
import { fieldsOf } from "./source.ts";

/** One page of what a host lists. `unsupported`: it does not have the method. */
export type Page<T> =
  | { status: "page"; items: T[]; cursor: string | null }
  | { status: "unsupported" }
  | { status: "failed"; detail: string };

const MAX_CURSOR = 1024;
/** A PDS asks for authentication where a method that it does not have would be passed on. */
const UNSUPPORTED: ReadonlySet<number> = new Set([401, 404, 501]);

type Method = "com.atproto.sync.listReposByCollection" | "com.atproto.sync.listRepos";

/** Accounts of a host, of which only the DIDs are believed to be worth a look. */
export async function listAccounts(
  fetch: SafeFetch,
  host: string,
  method: Method,
  query: { collection?: string; cursor: string | null; limit: number },
): Promise<Page<string>> {
  const answer = await ask(fetch, host, method, query);
  if ("status" in answer) return answer;
  const dids = listed(answer.body["repos"], query.limit).flatMap((repo) => {
    const did = fieldsOf(repo)?.["did"];
    return typeof did === "string" && isAccountDid(did) ? [did] : [];
  });
  return { status: "page", items: [...new Set(dids)], cursor: cursorOf(answer.body, query.cursor) };
}

/** Record keys and CIDs that a PDS says to hold of an account: hints, each still to be proved. */
export async function listRecordKeys(
  fetch: SafeFetch,
  pds: string,
  query: { repo: string; collection: string; limit: number },
): Promise<Page<{ rkey: string; cid: string }>> {
  const answer = await ask(fetch, pds, "com.atproto.repo.listRecords", query);
  if ("status" in answer) return answer;
  const prefix = `at://${query.repo}/${query.collection}/`;
  const items = listed(answer.body["records"], query.limit).flatMap((record) => {
    const { uri, cid } = fieldsOf(record) ?? {};
    if (typeof uri !== "string" || typeof cid !== "string" || !uri.startsWith(prefix)) return [];
    return [{ rkey: uri.slice(prefix.length), cid }];
  });
  return { status: "page", items, cursor: cursorOf(answer.body, null) };
}

async function ask(
  fetch: SafeFetch,
  host: string,
  method: string,
  query: Record<string, string | number | null | undefined>,
): Promise<
  { body: Record<string, unknown> } | { status: "unsupported" } | { status: "failed"; detail: string }
> {
  const url = new URL(`/xrpc/${method}`, host);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  try {
    const response = await fetch(url, { headers: { accept: "application/json" } });
    const body = fieldsOf(await response.json().catch(() => undefined));
    if (response.ok && body) return { body };
    if (UNSUPPORTED.has(response.status) || body?.["error"] === "MethodNotImplemented")
      return { status: "unsupported" };
    return { status: "failed", detail: `${response.status} ${String(body?.["error"] ?? "").slice(0, 100)}` };
  } catch (err) {
    return { status: "failed", detail: err instanceof Error ? err.message.slice(0, 300) : "no answer" };
  }
}

/** No more than was asked for, whatever the host sends. */
function listed(value: unknown, limit: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, limit) : [];
}

/** Null at the end; also when a host gives the same cursor again, which would never end. */
function cursorOf(body: Record<string, unknown>, before: string | null): string | null {
  const cursor = body["cursor"];
  return typeof cursor === "string" && cursor !== "" && cursor !== before && cursor.length <= MAX_CURSOR
    ? cursor
    : null;
}
