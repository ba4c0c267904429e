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
/** Most words of most mail: nothing in them needs a second look. */
const PLAIN = /^[("']{0,2}([A-Za-z]?[a-z]+)[.,:;!?)"']{0,2}$/;
/** Longer than any word; a link has been looked for in it. */
const LONG = 300;
/** Seen as a space, and a letter to everything else. */
const BLANK = /[\u115f\u1160\u2800]/g;
/** A masked word counts once more for each so many of its characters: what it says is not known. */
const MASKED_UNIT = 32;

export type Words = { words: string[]; masked: number };

/**
 * The words of a text in lower case: codes, numbers and tokens as `#`, addresses and handles as `@`, links as `~`. Links
 * are told to `onLink`. Linear in the length of `text`.
 */
export function wordsOf(text: string, onLink: (link: string) => void): Words {
  const words: string[] = [];
  let masked = 0;
  const mask = (sign: string, { length }: string) => {
    masked += 1 + Math.floor(length / MASKED_UNIT);
    if (words.at(-1) !== sign) words.push(sign);
  };
  for (const raw of plainText(text).split(/\s+/)) {
    const plain = raw.length < 25 ? PLAIN.exec(raw)?.[1] : undefined;
    if (plain !== undefined) {
      words.push(plain.toLowerCase());
      continue;
    }
    if (raw.includes("://")) {
      for (const { 0: scheme, index } of raw.matchAll(SCHEME))
        onLink(raw.slice(index, index + scheme.length + 300));
      mask(LINK, raw);
      continue;
    }
    if (raw.length > LONG) {
      mask(CODE, raw);
      continue;
    }
    const token = raw.replace(EDGES, "");
    if (token === "") continue;
    const bare = PATH.exec(token)?.[1] ?? (/^www\./i.test(token) ? token : undefined);
    if (bare !== undefined) {
      onLink(`http://${bare}/`);
      mask(LINK, token);
    } else if (token.includes("@") || NAME.test(token)) mask(ADDRESS, token);
    else if (CAPITALS.test(token) || /\p{N}/u.test(token)) mask(CODE, token);
    else if (UNSPACED.test(token)) words.push(...token);
    else
      words.push(
        ...token
          .toLowerCase()
          .split(/[^\p{L}\p{M}']+/u)
          .filter(Boolean),
      );
  }
  return { words, masked };
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
