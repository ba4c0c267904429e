import type { Resolver } from "../protocol/dns/index.ts";

/** Fetches a URL that an outsider chose: guarded, bounded in size and time. */
export type FetchText = (url: string, signal?: AbortSignal) => Promise<string | null>;

const DID = /^did:(plc:[a-z2-7]{24}|web:[a-zA-Z0-9.%-]{1,253})$/;

export const isDid = (text: string): boolean => DID.test(text);

/**
 * The DID of a handle: TXT `_atproto.<handle>`, and without one `https://<handle>/.well-known/atproto-did`
 * (atproto's Handle specification). Null: it has none, or the DNS names more than one. Throws when nothing answered.
 */
export async function resolveHandle(
  handle: string,
  resolver: Resolver,
  fetchText: FetchText,
  signal?: AbortSignal,
): Promise<string | null> {
  const answer = await resolver.resolve(`_atproto.${handle}`, "TXT");
  if (answer.status === "ok") {
    const dids = new Set(
      answer.records.filter(({ text }) => text.startsWith("did=")).map(({ text }) => text.slice(4).trim()),
    );
    if (dids.size > 1) return null;
    const [did] = dids;
    if (did !== undefined) return DID.test(did) ? did : null;
  }
  const text = (await fetchText(`https://${handle}/.well-known/atproto-did`, signal))?.trim().split(/\s/)[0];
  return text !== undefined && DID.test(text) ? text : null;
}
