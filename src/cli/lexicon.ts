import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { isValidDid, isValidNsid } from "@atproto/syntax";
import { z } from "zod";
import { LEXICON_AUTHORITY } from "../attestation/index.ts";
import { createSafeFetch, type SafeFetch } from "../platform/fetch.ts";
import { createAsk, type Ask } from "./labeler/ask.ts";
import { createPdsClient } from "./labeler/pds.ts";
import { logInWith, pdsOrigin } from "./pds-login.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

export type PublishOptions = {
  pds: string;
  /** Handle, DID or e-mail address of the account that publishes. */
  identifier: string;
  authority?: string;
  dryRun?: boolean;
  json?: boolean;
};

const SCHEMA_COLLECTION = "com.atproto.lexicon.schema";
/** The schema files that the package brings. */
const LEXICONS_DIR = join(import.meta.dirname, "../../lexicons", ...LEXICON_AUTHORITY.split("."));

const document = z.looseObject({
  lexicon: z.literal(1),
  id: z.string(),
  defs: z.record(z.string(), z.unknown()),
});
export type LexiconDocument = z.infer<typeof document>;

/**
 * `atmos lexicon publish`: writes our schemas as records of an account, and shows the DNS record by which the world
 * finds them. What is there already is left alone, so it may be run again.
 */
export async function lexiconPublish(options: PublishOptions, ask: Ask = createAsk()): Promise<number> {
  const out = outputFor(options);
  const authority = options.authority ?? LEXICON_AUTHORITY;
  const name = dnsNameOf(authority);
  const pds = pdsOrigin(options.pds);
  // The address is the operator's own choice, and a PDS often stands in the same network.
  const fetch = createSafeFetch({ allowPrivate: true });
  const client = createPdsClient(pds, fetch);
  const documents = readLexicons().map((one) => underAuthority(one, authority));

  const session = options.dryRun
    ? undefined
    : await logInWith(client, options.identifier, ask, "LEXICON_PASSWORD");
  const did = session?.did ?? (await didOf(options.identifier, pds, fetch));
  const schemas: { id: string; status: "there" | "written" | "would" }[] = [];
  for (const one of documents) {
    const record = { $type: SCHEMA_COLLECTION, ...one };
    const held = await client.getRecord(did, SCHEMA_COLLECTION, one.id);
    const there = isDeepStrictEqual(held, record);
    if (!there && session) await client.putRecord(session.accessJwt, did, SCHEMA_COLLECTION, one.id, record);
    const status = there ? "there" : session ? "written" : "would";
    schemas.push({ id: one.id, status });
    out.say(`${status.padEnd(8)}${one.id}`);
  }
  const txt = `${name}. IN TXT "did=${did}"`;
  out.say(`\nThe schemas are found by this DNS record; publish it once:\n\n  ${plain(txt)}`);
  if (authority !== LEXICON_AUTHORITY)
    out.say(`\nand set ATMOS_LEXICON_AUTHORITY=${authority} where the labeler runs.`);
  out.result({ did, authority, schemas, dns: { name, type: "TXT", value: `did=${did}` } });
  return EXIT.ok;
}

/** The domain of an NSID authority with the label under which its account is named (atproto Lexicon, "Resolution"). */
export function dnsNameOf(authority: string): string {
  if (!isValidNsid(`${authority}.name`) || authority !== authority.toLowerCase())
    throw new CommandError(
      `"${authority}" is no NSID authority. Reverse the domain: community.email for email.community.`,
      EXIT.usage,
    );
  return `_lexicon.${authority.split(".").toReversed().join(".")}`;
}

/** Our schemas, by their id. */
export function readLexicons(dir = LEXICONS_DIR): LexiconDocument[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .map((file) => document.parse(JSON.parse(readFileSync(join(dir, file), "utf8"))));
}

/** The same schema published by somebody else: each name of ours, in ids, references and permissions, is theirs. */
export function underAuthority(lexicon: LexiconDocument, authority: string): LexiconDocument {
  const ours = new RegExp(
    `^${LEXICON_AUTHORITY.replaceAll(".", "\\.")}(?=\\.[a-zA-Z][a-zA-Z0-9]*(#[a-zA-Z]+)?$)`,
  );
  const rename = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(ours, authority);
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rename(one)]));
  };
  return document.parse(rename(lexicon));
}

async function didOf(identifier: string, pds: string, fetch: SafeFetch): Promise<string> {
  if (isValidDid(identifier)) return identifier;
  const handle = encodeURIComponent(identifier);
  const response = await fetch(`${pds}/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`).catch(
    () => undefined,
  );
  const answer = z.object({ did: z.string() }).safeParse(await response?.json().catch(() => undefined));
  if (answer.success) return answer.data.did;
  throw new CommandError(
    `${pds} does not know ${plain(identifier)}. Look at --pds and --identifier, or name the DID.`,
  );
}
