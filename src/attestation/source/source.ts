import type { Hint } from "../store.ts";

/** What a message of a source gives reason to look at. It is believed in nothing but this. */
export type RepoHint =
  | { kind: "record"; hint: Hint }
  /** `deleted` is said of an account that will not come back. */
  | { kind: "account"; did: string; status: "active" | "inactive" | "deleted" }
  /** Handle, host or key changed. */
  | { kind: "identity"; did: string }
  /** The repository was reset: what we hold of it is to be proved anew. */
  | { kind: "sync"; did: string };

/** Where hints come from, by the protocol that is spoken there. */
export type Source =
  /** `com.atproto.sync.subscribeRepos` of a PDS or a relay, by its origin. */
  | { protocol: "repos"; url: string }
  /** Jetstream, by its origin or the address of its `subscribe`. */
  | { protocol: "jetstream"; url: string }
  /** Our own Tap, by its origin; it may be on a private address. */
  | { protocol: "tap"; url: string; password?: string | undefined };

export type Message =
  /** `position` orders the messages of a source; for Tap it is the id to acknowledge. */
  | { kind: "hints"; position: number; hints: RepoHint[] }
  | { kind: "other" }
  /** The source no longer has what came between our position and its oldest message. */
  | { kind: "gap"; detail: string }
  /** The connection is of no use any more; `forget`: nor is our position. */
  | { kind: "broken"; detail: string; forget?: boolean };

/** One protocol, without a connection: how to ask, how to read, how to answer. */
export type Dialect = {
  /** Under which the position is kept. */
  name: string;
  /** The address for a connection that goes on after `position`. */
  address(position: number | undefined): URL;
  headers?: Record<string, string>;
  read(data: Uint8Array, isBinary: boolean): Message;
  /** Said once every hint of the message at `position` has been followed; such a source keeps the position itself. */
  acknowledge?(position: number): string;
  /** Messages at or before the last position are repetitions and passed over. */
  ordered: boolean;
  /** The service is the operator's own: private addresses are allowed. */
  own: boolean;
};

const MAX_HINTS_PER_MESSAGE = 200;

/** Distinct hints for the records among `paths` (`collection/rkey`) whose collection is wanted; at most 200. */
export function recordHints(
  did: string,
  paths: readonly unknown[],
  collections: ReadonlySet<string>,
): RepoHint[] {
  const hints = new Map<string, RepoHint>();
  for (const path of paths.slice(0, MAX_HINTS_PER_MESSAGE)) {
    if (typeof path !== "string") continue;
    const [collection, rkey, ...rest] = path.split("/");
    if (!collection || !rkey || rest.length > 0 || !collections.has(collection)) continue;
    hints.set(path, { kind: "record", hint: { did, collection, rkey } });
  }
  return [...hints.values()];
}

export function accountHint(did: string, active: unknown, status: unknown): RepoHint {
  if (active === true) return { kind: "account", did, status: "active" };
  return { kind: "account", did, status: status === "deleted" ? "deleted" : "inactive" };
}

/** The fields of a JSON object, or undefined for anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A text message as a JSON object; undefined when it is none. */
export function readJson(data: Uint8Array): Record<string, unknown> | undefined {
  try {
    return fieldsOf(JSON.parse(Buffer.from(data).toString("utf8")));
  } catch {
    return undefined;
  }
}

/** The address of a WebSocket beside an `http:` or `https:` one. */
export function socketUrl(url: string, path: string): URL {
  const address = new URL(url.replace(/^http/, "ws"));
  if (address.pathname === "/") address.pathname = path;
  return address;
}
