/** What changes from one recipient to the next is one of these, instead of itself. */
const CODE = "#";
const ADDRESS = "@";
const LINK = "~";

const EDGES = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;
const NAME = /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}$/i;
const PATH = /^((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?::\d{1,5})?[/?#]/i;
const SCHEME = /[a-z][a-z0-9+.-]{1,15}:\/\//gi;
const CAPITALS = /^[A-Z2-7]{5,}$|^[A-Z2-7]{3,}(?:-[A-Z2-7]{3,})+$/;
const UNSPACED = /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/;
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g;
/** Most words of most mail: letters or figures, with at most two of these before and behind them. */
const OPENING = signs("(\"'");
const CLOSING = signs(".,:;!?)\"'");
const [FNV_BASIS, FNV_PRIME] = [0x811c9dc5, 0x01000193];
/** Of an ASCII letter. */
const LOWER_CASE = 0x20;
const [UPPER_A, UPPER_Z, LOWER_A, LOWER_Z] = [65, 90, 97, 122];
/** Of `\s`, those that are not ASCII. */
const SPACES: ReadonlySet<number> = new Set([
  0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a,
  0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
]);
/** Longer than any word; a link has been looked for in it. */
const LONG = 300;
/** Seen as a space, and a letter to everything else. */
const BLANK = /[\u115f\u1160\u2800]/g;
/** A masked word counts once more for each so many of its characters: what it says is not known. */
const MASKED_UNIT = 32;

type Consumer = {
  onLink: (link: string) => void;
  /** A word of ASCII letters, `text` from `from` to `to`; the first of them may be a capital. */
  onPlain: (text: string, from: number, to: number) => void;
  onWord: (word: string) => void;
};

/**
 * The words of a text in lower case: codes, numbers and tokens as `#`, addresses and handles as `@`, links as `~`. Links
 * are told to `onLink`. Linear in the length of `text`.
 */
export function wordsOf(text: string, onLink: (link: string) => void): string[] {
  const words: string[] = [];
  const onPlain = (plain: string, from: number, to: number) =>
    words.push(plain.slice(from, to).toLowerCase());
  readWords(text, { onLink, onPlain, onWord: (word) => words.push(word) });
  return words;
}

/** The same words by their FNV-1a hashes of 32 bits, without a string for each. Returns how many were masked. */
export function hashWords(
  text: string,
  onLink: (link: string) => void,
  onHash: (hash: number) => void,
): number {
  return readWords(text, {
    onLink,
    onPlain(plain, from, to) {
      let hash = Math.imul(FNV_BASIS ^ (plain.charCodeAt(from) | LOWER_CASE), FNV_PRIME);
      for (let i = from + 1; i < to; i++) hash = Math.imul(hash ^ plain.charCodeAt(i), FNV_PRIME);
      onHash(hash);
    },
    onWord(word) {
      let hash = FNV_BASIS;
      for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), FNV_PRIME);
      onHash(hash);
    },
  });
}

function readWords(text: string, { onLink, onPlain, onWord }: Consumer): number {
  let masked = 0;
  let last = "";
  const mask = (sign: string, length: number) => {
    masked += 1 + Math.floor(length / MASKED_UNIT);
    if (last !== sign) onWord(sign);
    last = sign;
  };
  const other = (word: string) => {
    onWord(word);
    last = word;
  };
  const seen = plainText(text);
  for (let at = 0; at < seen.length;) {
    if (isSpace(seen.charCodeAt(at))) {
      at++;
      continue;
    }
    const from = at;
    const first = skip(seen, from, from + 2, OPENING);
    const figures = isFigure(seen.charCodeAt(first));
    const end = figures ? endOfFigures(seen, first) : endOfWord(seen, first);
    at = end === first ? first : skip(seen, end, end + 2, CLOSING);
    if (end > first && at - from < 25 && (at === seen.length || isSpace(seen.charCodeAt(at)))) {
      if (figures) mask(CODE, end - first);
      else {
        onPlain(seen, first, end);
        last = "";
      }
      continue;
    }
    while (at < seen.length && !isSpace(seen.charCodeAt(at))) at++;
    const raw = seen.slice(from, at);
    if (raw.includes("://")) {
      for (const { 0: scheme, index } of raw.matchAll(SCHEME))
        onLink(raw.slice(index, index + scheme.length + 300));
      mask(LINK, raw.length);
      continue;
    }
    if (raw.length > LONG) {
      mask(CODE, raw.length);
      continue;
    }
    const token = raw.replace(EDGES, "");
    if (token === "") continue;
    const bare = PATH.exec(token)?.[1] ?? (/^www\./i.test(token) ? token : undefined);
    if (bare !== undefined) {
      onLink(`http://${bare}/`);
      mask(LINK, token.length);
    } else if (token.includes("@") || NAME.test(token)) mask(ADDRESS, token.length);
    else if (CAPITALS.test(token) || /\p{N}/u.test(token)) mask(CODE, token.length);
    else {
      const parts = UNSPACED.test(token) ? token : token.toLowerCase().split(/[^\p{L}\p{M}']+/u);
      for (const part of parts) if (part !== "") other(part);
    }
  }
  return masked;
}

function signs(text: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const sign of text) table[sign.charCodeAt(0)] = 1;
  return table;
}

/** The first place from `at` on, `end` at most, where no octet of `signs` stands. */
function skip(text: string, at: number, end: number, signs: Uint8Array): number {
  const most = Math.min(end, text.length);
  while (at < most && signs[text.charCodeAt(at)] === 1) at++;
  return at;
}

/** Of letters, the first of them perhaps a capital; a capital alone is none. `at`: there is no word. */
function endOfWord(text: string, at: number): number {
  const first = text.charCodeAt(at);
  const capital = first >= UPPER_A && first <= UPPER_Z;
  let end = capital ? at + 1 : at;
  const letters = end;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code < LOWER_A || code > LOWER_Z) break;
  }
  return end === letters ? at : end;
}

function endOfFigures(text: string, at: number): number {
  while (at < text.length && isFigure(text.charCodeAt(at))) at++;
  return at;
}

const isFigure = (code: number) => code >= 48 && code <= 57;

/** The same as `\s`. */
function isSpace(code: number): boolean {
  if (code < 0x80) return code === 32 || (code >= 9 && code <= 13);
  return SPACES.has(code);
}

function plainText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text)
    ? text
    : text.normalize("NFKC").replace(BLANK, " ").replace(INVISIBLE, "");
}

const NAMED: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  colon: ":",
  sol: "/",
  period: ".",
  tab: "\t",
  newline: "\n",
};

/** Numeric entities, and the named ones that letters, links or markup are hidden with; another one parts words. */
export function decodeEntities(html: string): string {
  return html.replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]{2,31}));?/gi, (whole: string, decimal, hex, name) => {
    if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? (whole.endsWith(";") ? " " : whole);
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : " ";
  });
}
