import type { SafeFetch } from "../platform/fetch.ts";

/** What a PDS answers to `com.atproto.sync.getRecord`. */
export type RecordFetch =
  | { status: "car"; bytes: Uint8Array }
  /** The host says that the account is deactivated, suspended, taken down or not there (`gone`). */
  | { status: "account-inactive"; detail: string; gone: boolean }
  /** Neither a record nor a proof of its absence. */
  | { status: "no-proof"; detail: string }
  /** `silent`: no usable answer at all, within the bounds of time and size. */
  | { status: "unreachable"; detail: string; silent: boolean };

const INACTIVE = new Set(["RepoNotFound", "RepoTakendown", "RepoSuspended", "RepoDeactivated"]);

/** Fetches the CAR that proves or disproves one record, from the account's own host. Never rejects. */
export async function fetchRecordProof(
  fetch: SafeFetch,
  pds: string,
  record: { did: string; collection: string; rkey: string },
): Promise<RecordFetch> {
  const url = new URL("/xrpc/com.atproto.sync.getRecord", pds);
  for (const [name, value] of Object.entries(record)) url.searchParams.set(name, value);
  try {
    const response = await fetch(url, { headers: { accept: "application/vnd.ipld.car" } });
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.ok) return { status: "car", bytes };
    const detail = `${response.status} ${errorName(bytes)}`;
    if (response.status >= 500 || response.status === 429)
      return { status: "unreachable", detail, silent: false };
    const error = errorName(bytes);
    if (!INACTIVE.has(error)) return { status: "no-proof", detail };
    return { status: "account-inactive", detail, gone: error === "RepoNotFound" };
  } catch (err) {
    const detail = err instanceof Error ? err.message.slice(0, 300) : "no answer";
    return { status: "unreachable", detail, silent: true };
  }
}

function errorName(bytes: Uint8Array): string {
  try {
    const body: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const name = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
    return typeof name === "string" ? name.slice(0, 100) : "";
  } catch {
    return "";
  }
}
