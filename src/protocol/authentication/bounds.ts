import { Readable } from "node:stream";
import { parseHeader, valueOf, type HeaderField } from "../dkim/index.ts";
import type { DnsAnswer, DnsType, Resolver } from "../dns/index.ts";

/**
 * What of a message is judged: anybody can write a thousand signatures, each of which asks for its own hash of the whole
 * body, and each hash holds up everything else. Real mail has one to four.
 */
const MAX_SIGNATURES = 8;
/** Different hashes of the body: canonicalization, algorithm and length. */
const MAX_HASHES = 3;
const MAX_SIGNATURE_OCTETS = 8_192;
const MAX_SIGNED_NAMES = 200;
/** DNS questions that one message may cause: a hundred signatures are no reason to ask a hundred times. */
const MAX_LOOKUPS = 60;
const SLICE = 32 * 1024;

const SIGNATURES: ReadonlySet<string> = new Set(["dkim-signature", "arc-message-signature"]);

/** The message in slices, without the signatures that are too many, so that others have their turn between two of them. */
export function judgedPart(raw: Uint8Array): Readable {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const end = /\r?\n\r?\n/.exec(bytes.toString("latin1", 0, 262_144 + 4));
  const head = bytes.toString("latin1", 0, end?.index ?? bytes.length);
  const kept = withinBounds(parseHeader(head.replace(/\r?\n/g, "\r\n")));
  const top = Buffer.from([...kept.map((field) => field.raw), "", ""].join("\r\n"), "latin1");
  const body = end ? bytes.subarray(end.index + end[0].length) : Buffer.alloc(0);
  return Readable.from(slices(top, body), { objectMode: false, highWaterMark: SLICE });
}

let last = Promise.resolve();

/** One slice in each turn of the event loop, of all mails together: fifty at once hold it up no longer than one. */
function turn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
  return last;
}

async function* slices(...parts: Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts)
    for (let at = 0; at < part.length; at += SLICE) {
      await turn();
      yield part.subarray(at, at + SLICE);
    }
}

/** The fields of a header, and of its signatures as many as are judged. Pure. */
export function withinBounds(fields: readonly HeaderField[]): HeaderField[] {
  const hashes = new Set<string>();
  let signatures = 0;
  return fields.filter((field) => {
    if (!SIGNATURES.has(field.name)) return true;
    if (field.raw.length > MAX_SIGNATURE_OCTETS || field.raw.split(":").length > MAX_SIGNED_NAMES)
      return false;
    if (field.name === "dkim-signature" && ++signatures > MAX_SIGNATURES) return false;
    const hash = hashOf(field);
    if (!hashes.has(hash) && hashes.size >= MAX_HASHES) return false;
    hashes.add(hash);
    return true;
  });
}

/** Names the hash of the body that a signature needs: two that need different ones have different names. */
function hashOf(field: HeaderField): string {
  const tags = valueOf(field).toLowerCase().replace(/\s+/g, "").split(";");
  const told = tags
    .filter((tag) => /^[acl]=/.test(tag))
    .map((tag) => tag.replace(/^a=.*-|(?<=^c=)[^/]*\//, ""));
  return told.toSorted().join(";");
}

/** Asks so often, and not when it is too late. What was asked before is not waited for then. */
export function boundedResolver(resolver: Resolver, signal: AbortSignal | undefined): Resolver {
  let asked = 0;
  const late = new Promise<{ status: "temperror"; detail: string }>((resolve) => {
    const tell = () => resolve({ status: "temperror", detail: "too late" });
    if (signal?.aborted) tell();
    else signal?.addEventListener("abort", tell, { once: true });
  });
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      if (++asked > MAX_LOOKUPS) return { status: "temperror", detail: "too many questions" };
      return Promise.race([late, resolver.resolve(name, type)]);
    },
  };
}
