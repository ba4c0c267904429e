import { createHash } from "node:crypto";
import { base32 } from "../lib/ids.ts";
import { readHtml } from "./html.ts";
import { createLinkSet, digest } from "./links.ts";
import { hashWords, wordsOf } from "./words.ts";

/** What of a message makes it one of a kind. */
export type Mime = {
  /** The display name of `From:`. */
  fromName: string;
  /** The domain of `Reply-To:`, or empty. */
  replyTo: string;
  subject: string;
  /** Null: the message has no such part. */
  text: string | null;
  html: string | null;
  attachments: readonly { mimeType: string; content: Uint8Array }[];
  /** There was more than was read. */
  cut: boolean;
};

/**
 * What messages of one template share. `links` must be equal: hosts of links, domain of replies, attachments, styles. `text` and
 * `html` are sketches: the smallest hashes of their pairs of words, ascending.
 */
export type Fingerprint = {
  /** Opaque, 16 characters of base32. */
  id: string;
  links: string;
  text: Uint32Array;
  html: Uint32Array;
  /** Codes, numbers, addresses and links. */
  masked: number;
};

/** Hashes of a sketch: with no more pairs than these (some 130 words) two sketches are compared exactly. */
const SKETCH_SIZE = 128;
/** Share of the pairs of words that two messages of one template have in common, in each of their parts. */
const ALIKE = 0.7;
/** A message may have so many more masked words than its template: what they say is not known. */
const MORE_MASKED = 8;

/** Reduces a message to what does not change from one recipient to the next. */
export function fingerprint(mime: Mime): Fingerprint {
  const links = createLinkSet();
  const title: number[] = [];
  let masked = hashWords(`${mime.fromName} \n ${mime.subject}`, links.add, (hash) => title.push(hash));
  const part = (content: string | null): Uint32Array => {
    if (content === null) return new Uint32Array();
    const pairs = createPairs();
    for (const hash of title) pairs.add(hash);
    pairs.end();
    masked += hashWords(content, links.add, pairs.add);
    pairs.end();
    return pairs.sketch();
  };
  const text = part(mime.text);
  let html: Uint32Array = new Uint32Array();
  let unseen: string[] = [];
  if (mime.html !== null) {
    const page = readHtml(mime.html);
    for (const link of page.links) links.add(link);
    html = part(page.text);
    unseen = [...page.unseen, wordsOf(page.aside, links.add).join(" ")];
  }
  const exact = digest(
    JSON.stringify([
      links.sorted(),
      mime.replyTo.toLowerCase(),
      mime.attachments.map(({ mimeType, content }) => `${mimeType} ${digest(content)}`),
      [mime.text === null, mime.html === null, mime.cut],
      unseen,
    ]),
  );
  const hash = createHash("sha256")
    .update(exact)
    .update(text)
    .update("/")
    .update(html)
    .update(String(masked));
  return { id: base32(hash.digest().subarray(0, 10)), links: exact, text, html, masked };
}

/** Is a message with the fingerprint `message` of the template `template`? Another link or another text is not. */
export function isAlike(message: Fingerprint, template: Fingerprint): boolean {
  return (
    message.links === template.links &&
    message.masked <= template.masked + MORE_MASKED &&
    resemblance(message.text, template.text) >= ALIKE &&
    resemblance(message.html, template.html) >= ALIKE
  );
}

/**
 * The share of pairs of words that two sketches have in common (Jaccard index), from the smallest hashes of their union
 * (Broder, "On the resemblance and containment of documents", 1997). Two empty ones are alike.
 */
export function resemblance(a: Uint32Array, b: Uint32Array): number {
  let [i, j, shared, seen] = [0, 0, 0, 0];
  while (seen < SKETCH_SIZE && (i < a.length || j < b.length)) {
    const left = a[i] ?? Infinity;
    const right = b[j] ?? Infinity;
    if (left === right) shared++;
    if (left <= right) i++;
    if (right <= left) j++;
    seen++;
  }
  return seen === 0 ? 1 : shared / seen;
}

/** Pairs of words that follow each other in a text, with its first and last word. */
function createPairs() {
  const smallest = createSmallest(SKETCH_SIZE);
  let before = 0;
  return {
    add(hash: number): void {
      smallest.add(mixed(Math.imul(before, 31) ^ hash));
      before = hash;
    },
    /** Of a text; another may follow. */
    end(): void {
      smallest.add(mixed(Math.imul(before, 31)));
      before = 0;
    },
    sketch: smallest.sorted,
  };
}

/** Numbers that came lately are told from new ones at once: text says the same again and again. */
const RECENT = 256;

/** The `most` smallest of the numbers that it is given, each of them once. */
function createSmallest(most: number) {
  const kept = new Uint32Array(4 * most);
  const lately = new Uint32Array(RECENT);
  let used = 0;
  let limit = 0xffffffff;

  function tidy(): void {
    let distinct = 0;
    for (const value of kept.subarray(0, used).sort()) {
      if (distinct > 0 && kept[distinct - 1] === value) continue;
      kept[distinct++] = value;
      if (distinct === most) break;
    }
    used = distinct;
    if (used === most) limit = kept[used - 1]!;
  }

  return {
    add(value: number): void {
      if (value > limit || (lately[value % RECENT] === value && value > 0)) return;
      lately[value % RECENT] = value;
      kept[used++] = value;
      if (used === kept.length) tidy();
    },
    sorted(): Uint32Array {
      tidy();
      return kept.slice(0, used);
    },
  };
}

/** The last step of MurmurHash3: with it the smallest are a fair sample. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
