import { isValidNsid } from "@atproto/syntax";

export type RepoAction = "create" | "update" | "delete";

type RepoScope = { collections: string[]; actions: RepoAction[] };

const ACTIONS: readonly RepoAction[] = ["create", "update", "delete"];

/** `repo:NSID`, `repo:*`, `repo:NSID?action=create`, `repo?collection=A&collection=B` (atproto permissions). */
function parseRepoScope(scope: string): RepoScope | undefined {
  const [, positional, query = ""] = /^repo(?::([^?]*))?(?:\?(.*))?$/.exec(scope) ?? [];
  const params = new URLSearchParams(query);
  if ([...params.keys()].some((name) => name !== "collection" && name !== "action")) return undefined;
  const named = params.getAll("collection");
  if (positional !== undefined && named.length > 0) return undefined;
  const collections = positional === undefined ? named : [positional];
  const actions = params.has("action") ? params.getAll("action") : [...ACTIONS];
  const known = collections.length > 0 && collections.every((one) => one === "*" || isValidNsid(one));
  return known && actions.every(isAction) ? { collections, actions } : undefined;
}

function isAction(text: string): text is RepoAction {
  return ACTIONS.some((action) => action === text);
}

/** `rpc:NSID?aud=DID%23service`, `rpc?lxm=NSID&aud=*`; the method or the audience may be `*`, not both. */
function parseRpcScope(scope: string): { methods: string[]; aud: string } | undefined {
  const [whole, positional, query = ""] = /^rpc(?::([^?]*))?(?:\?(.*))?$/.exec(scope) ?? [];
  if (whole === undefined) return undefined;
  const params = new URLSearchParams(query);
  const methods = positional === undefined ? params.getAll("lxm") : [positional];
  const aud = params.get("aud") ?? "";
  const known = methods.length > 0 && methods.every((one) => one === "*" || isValidNsid(one));
  return known && aud !== "" && !(aud === "*" && methods.includes("*")) ? { methods, aud } : undefined;
}

/** What of `scope` this host does not know; a request that names something unknown is refused. */
export function unknownScope(scope: string): string | undefined {
  return scope
    .split(" ")
    .find(
      (one) => one !== "atproto" && parseRepoScope(one) === undefined && parseRpcScope(one) === undefined,
    );
}

export function allowsWrite(scope: string, collection: string, action: RepoAction): boolean {
  return scope
    .split(" ")
    .map(parseRepoScope)
    .some(
      (one) =>
        one?.actions.includes(action) &&
        (one.collections.includes("*") || one.collections.includes(collection)),
    );
}

export function allowsCall(scope: string, lxm: string, aud: string): boolean {
  return scope
    .split(" ")
    .map(parseRpcScope)
    .some((one) => one && [aud, "*"].includes(one.aud) && [lxm, "*"].some((m) => one.methods.includes(m)));
}

/** What a person agrees to, in words. */
export function scopeInWords(scope: string): string[] {
  return scope.split(" ").map((one) => {
    if (one === "atproto") return "Learn who you are: your DID and handle.";
    const repo = parseRepoScope(one);
    if (repo) {
      const what = repo.collections.includes("*") ? "any collection" : repo.collections.join(", ");
      return `Write into your repository (${repo.actions.join(", ")}): ${what}.`;
    }
    const rpc = parseRpcScope(one);
    return rpc ? `Call ${rpc.methods.join(", ")} at ${rpc.aud} in your name.` : one;
  });
}
