import { createHash } from "node:crypto";
import { verifySignature, type Keypair } from "@atproto/crypto";
import type { AddressEntry } from "./addresses.ts";
import type { Entry } from "./entries.ts";

/**
 * A snapshot is JSON of one form, so that the same list is the same bytes, and a line an entry, so that a million can be
 * read one after another:
 *
 *     {"format":"community.email.allowlist/1","zone":...,"serial":...,"issuedAt":...,"key":"did:key:...","entries":[
 *     {"domain":...},
 *     {"domain":...}
 *     ],"addresses":[
 *     {"address":...}
 *     ],
 *     "id":"<SHA-256 of every octet before this line, in hex>","sig":"<base64url>"}
 *
 * `id` is its address. `sig`: ECDSA over SHA-256 of `community.email.allowlist/1 <id>`, 64 octets, low-S, by `key`.
 */
const FORMAT = "community.email.allowlist/1";

export type SnapshotHead = {
  zone: string;
  serial: number;
  /** RFC 3339. */
  issuedAt: string;
  /** A did:key, announced in the zone itself: TXT at `_list.<zone>`. */
  key: string;
};

export type SnapshotTail = { id: string; sig: string };

export const ENTRY_SEPARATOR = ",\n";

/**
 * A snapshot, piece by piece. `entries` and `addresses`: some at a time in canonical JSON, separated by `ENTRY_SEPARATOR`,
 * sorted by domain and address.
 */
export async function* writeSnapshot(
  { zone, serial, issuedAt, key }: SnapshotHead,
  entries: AsyncIterable<string>,
  addresses: AsyncIterable<string>,
  keypair: Keypair,
): AsyncGenerator<Buffer, SnapshotTail> {
  const hash = createHash("sha256");
  function add(text: string): Buffer {
    const octets = Buffer.from(text);
    hash.update(octets);
    return octets;
  }
  const head = JSON.stringify({ format: FORMAT, zone, serial, issuedAt, key }).slice(0, -1);
  yield add(`${head},"entries":[`);
  let first = true;
  for await (const some of entries) {
    if (some === "") continue;
    yield add(`${first ? "\n" : ENTRY_SEPARATOR}${some}`);
    first = false;
  }
  yield add(`\n],"addresses":[`);
  first = true;
  for await (const some of addresses) {
    if (some === "") continue;
    yield add(`${first ? "\n" : ENTRY_SEPARATOR}${some}`);
    first = false;
  }
  yield add("\n],\n");
  const id = hash.digest("hex");
  const sig = Buffer.from(await keypair.sign(signedBytes(id))).toString("base64url");
  yield Buffer.from(`"id":"${id}","sig":"${sig}"}\n`);
  return { id, sig };
}

function signedBytes(id: string): Uint8Array {
  return Buffer.from(`${FORMAT} ${id}`);
}

export type SnapshotPart =
  | { kind: "head"; head: SnapshotHead }
  | { kind: "entry"; entry: Entry }
  | { kind: "address"; entry: AddressEntry }
  /** The last: whether the whole is what its id and its signature say. */
  | { kind: "tail"; tail: SnapshotTail; isWhole: boolean; isSigned: boolean };

/** A snapshot that is not of this form. */
export class SnapshotError extends Error {}

/** Octets of a line: more than any entry has. */
const LONGEST_LINE = 64 * 1024;

/** Reads a snapshot line by line. @throws {SnapshotError} where it is not of the form of `writeSnapshot`. */
export async function* readSnapshot(lines: AsyncIterable<string>): AsyncGenerator<SnapshotPart> {
  const hash = createHash("sha256");
  let head: SnapshotHead | undefined;
  let inside: "entries" | "addresses" | "end" = "entries";
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.length > LONGEST_LINE) throw new SnapshotError(`line ${number} is too long`);
    if (inside === "end") {
      if (!head) break;
      const tail = parse(`{${line}`, number) as SnapshotTail;
      if (typeof tail.id !== "string" || typeof tail.sig !== "string")
        throw new SnapshotError(`line ${number}: no id and sig`);
      const isWhole = hash.digest("hex") === tail.id;
      yield { kind: "tail", tail, isWhole, isSigned: await isSignedBy(head.key, tail) };
      return;
    }
    hash.update(`${line}\n`);
    if (!head) {
      if (!line.endsWith(',"entries":[')) throw new SnapshotError("this is no snapshot of an allowlist");
      head = readHead(parse(`${line.slice(0, -',"entries":['.length)}}`, number));
      yield { kind: "head", head };
    } else if (line === '],"addresses":[' && inside === "entries") inside = "addresses";
    else if (line === "]," && inside === "addresses") inside = "end";
    else if (line !== "") {
      const entry = parse(line.replace(/,$/, ""), number);
      yield inside === "entries"
        ? { kind: "entry", entry: entry as Entry }
        : { kind: "address", entry: entry as AddressEntry };
    }
  }
  throw new SnapshotError("the snapshot is cut off: fetch it again");
}

function readHead(value: object): SnapshotHead {
  const { format, zone, serial, issuedAt, key } = value as Record<string, unknown>;
  if (format !== FORMAT) throw new SnapshotError(`the format ${JSON.stringify(format)} is not known here`);
  if (
    typeof zone !== "string" ||
    typeof serial !== "number" ||
    typeof issuedAt !== "string" ||
    typeof key !== "string"
  )
    throw new SnapshotError("the head of the snapshot lacks zone, serial, issuedAt or key");
  return { zone, serial, issuedAt, key };
}

function parse(text: string, number: number): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new SnapshotError(`line ${number} cannot be read`);
}

async function isSignedBy(key: string, { id, sig }: SnapshotTail): Promise<boolean> {
  try {
    return await verifySignature(key, signedBytes(id), Buffer.from(sig, "base64url"));
  } catch {
    return false;
  }
}
