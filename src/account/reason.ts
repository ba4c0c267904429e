import { OAuthCallbackError, OAuthResponseError } from "@atproto/oauth-client-node";
import { oneLine } from "../lib/one-line.ts";

/** What a server said in its own words, at most. */
const LONGEST = 300;
const CHAIN = 10;

const CODES: Record<string, string> = {
  ENOTFOUND: "there is no server of that name",
  EAI_AGAIN: "its name was not found in the DNS",
  ECONNREFUSED: "nothing answers there",
  ECONNRESET: "it broke off",
  UND_ERR_SOCKET: "it broke off",
};

/** By what the libraries say; the first that fits. */
const MESSAGES: readonly [RegExp, string][] = [
  [/response too large|content-length .*exceed|max.?size/i, "it answered with more than any login needs"],
  [
    /unexpected redirect|unexpected status code 3\d\d\b/i,
    "it sends us on to another address, and we follow none",
  ],
  [/^issuer mismatch|^invalid issuer/i, "it answers in the name of another server than the account's"],
  [/does not resolve to a DID/i, "no account has this handle"],
  [/does not include the handle/i, "the account that the handle names does not name the handle in turn"],
  [/non-unicast|not a public domain|forbidden protocol|only unicast/i, "it is at no public https address"],
  [/^iss missing/i, "its answer does not say whose it is"],
  [/^missing "code"|^JARM/i, "it sent you back without what ends a login"],
  [/unexpected status code 5\d\d\b/i, "it has a fault of its own"],
  [/unexpected status code 4\d\d\b|unexpected content type/i, "it does not offer logins with OAuth"],
];

/** Why a login failed at the account's server, as the end of a sentence about that server, in one bounded line. */
export function reasonOf(err: unknown): string {
  const chain = chainOf(err);
  for (const one of chain) {
    const known = knownReason(one);
    if (known !== undefined) return known;
  }
  const last = chain.at(-1);
  return oneLine(last instanceof Error ? last.message : String(last), LONGEST);
}

function knownReason(err: unknown): string | undefined {
  if (!(err instanceof Error)) return undefined;
  if (err.name === "TimeoutError" || err.name === "AbortError") return "it did not answer in time";
  if (err instanceof OAuthResponseError) return saidBy(err.error, err.errorDescription);
  if (err instanceof OAuthCallbackError && err.params.has("error"))
    return saidBy(err.params.get("error"), err.params.get("error_description"));
  if (err.name === "ZodError" || err instanceof SyntaxError)
    return "its answer is not what a server of the Atmosphere answers";
  const code = "code" in err ? CODES[String(err.code)] : undefined;
  return code ?? MESSAGES.find(([pattern]) => pattern.test(err.message))?.[1];
}

function saidBy(error: string | null | undefined, description: string | null | undefined): string {
  if (error === "use_dpop_nonce") return "it asks for the same thing (a nonce) over and over";
  return `it said "${oneLine(description || error || "no", LONGEST)}"`;
}

/** An error and what caused it, the outermost first. */
function chainOf(err: unknown): unknown[] {
  const chain = [err];
  while (chain.length < CHAIN) {
    const last = chain.at(-1);
    if (!(last instanceof Error) || last.cause === undefined) break;
    chain.push(last.cause);
  }
  return chain;
}
